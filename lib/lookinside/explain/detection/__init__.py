"""Explanations of detectors: where the score of a region comes from, and what primitives answer to."""
