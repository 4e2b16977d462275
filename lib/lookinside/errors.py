"""The one exception for what the reader of a message can mend, and warnings of blank maps and of changed images."""


class LookInsideError(ValueError):
    """One sentence that names what is wrong (the file, the layer, the class) and the mend."""


class BlankMapWarning(UserWarning):
    """Some maps are empty or the same everywhere: they show nothing, and scores of them mean nothing."""


class DataWarning(UserWarning):
    """Images were converted, held back or left out, or a volume may not be what it seems; the text names the first."""
