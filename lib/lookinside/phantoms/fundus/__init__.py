"""Colour photographs of the back of the eye, with masks and boxes of what glaucoma does to it."""
