"""The one exception for anything that the reader of a message can mend, and the warning of maps that show nothing."""


class LookInsideError(ValueError):
    """One sentence that names what is wrong (the file, the layer, the class) and the mend."""


class BlankMapWarning(UserWarning):
    """Some maps are empty or the same everywhere: they show nothing, and scores of them mean nothing."""
