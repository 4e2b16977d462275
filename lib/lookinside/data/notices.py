"""What a reader of image sets should know though nothing is wrong."""


class DataWarning(UserWarning):
    """Images were converted, held back or left out, or a volume may not be what it seems; the text names the first."""
