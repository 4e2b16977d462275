"""What the call of an explainer is made of: checked arguments and images, even rounds, a bar, a word on blank maps."""
