"""What the scripts share: the command line, fetching, unpacking, reading DICOM, writing a prepared set."""
