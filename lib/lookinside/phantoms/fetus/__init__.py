"""First-trimester ultrasound of a fetus, seen from the side, with boxes and masks of its structures."""
