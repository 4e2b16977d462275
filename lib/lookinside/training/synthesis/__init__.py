"""Patho-GAN: the game of three networks, what it is made of, and its training."""
