"""X-ray pictures of a body: views, projection by formula, film, and the truth behind each pixel."""
