"""What synthetic images are worth: the signs in them, how their distribution lies to the real one, what they copy."""
