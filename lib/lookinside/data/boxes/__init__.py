"""Images with boxes: the container, COCO files in and out, and their place in a frame."""
