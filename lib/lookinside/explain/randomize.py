"""The control for every explanation: the same network, having learned nothing."""

import keras
import numpy as np


def randomize_weights(model: keras.Model, seed: int = 0) -> keras.Model:
    """Return a copy of a model with freshly drawn weights, nested models included; the model itself is left alone.

    Each layer draws from its own initializers; batch normalisation forgets its moving statistics.

    Args:
        model: a functional or Sequential Keras model.
        seed: same seed, same weights; no global random state is touched.

    Source: Adebayo et al. 2018, Sanity Checks for Saliency Maps, section 3.
    """
    seeds = np.random.default_rng(seed)

    def fresh(layer):
        config = layer.get_config()
        for name, initializer in config.items():
            if name.endswith("initializer") and isinstance(initializer, dict) and "seed" in initializer["config"]:
                initializer["config"]["seed"] = int(seeds.integers(2**31))
        return type(layer).from_config(config)

    return keras.models.clone_model(model, clone_function=fresh, recursive=True)
