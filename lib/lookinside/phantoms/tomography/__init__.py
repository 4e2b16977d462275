"""Slices and volumes of a person made of ellipsoids: CT, MRI, PET and ultrasound."""
