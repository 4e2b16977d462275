"""What judges a map: scores against a truth, pixels that come and go, fresh weights, parts taken away."""
