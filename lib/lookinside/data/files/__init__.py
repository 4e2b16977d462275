"""Files of pictures: class folders, tables beside them, PNG and its like, DICOM."""
