"""What a detector is worth: overlap of boxes, hits, ROC and FROC over boxes, average precision, differences, floors."""
