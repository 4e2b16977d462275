"""What a reader of image sets should know though nothing is wrong."""


class DataWarning(UserWarning):
    """Images were converted, held back or left out; the text says how many, and names the first."""
