"""The one exception for anything that the reader of a message can mend: a broken file, a wrong name, a missing set."""


class LookInsideError(ValueError):
    """One sentence that names what is wrong (the file, the layer, the class) and the mend."""
