"""Write patho_gan_golden.npz: two steps of the game by the JAX reference, for tests that have no JAX.

KERAS_BACKEND=jax python tests/oracles/make_patho_gan_golden.py
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import patho_gan_jax

from lookinside.models.patho_gan import patho_discriminator, patho_generator

SIDE, MAPS = 48, (4, 6, 6, 6, 8)
SETTINGS = {"base": 3, "depth": 3}


def judge_weights(rng):
    """Random weights of a small wang_convnet with a pooling head and batch normalisation."""
    found, before = {}, 3
    for k, count in enumerate(MAPS, 1):
        found[f"conv{k}/kernel"] = rng.normal(0, (2 / 25 / before) ** 0.5, (5, 5, before, count))
        found[f"conv{k}/bias"] = rng.normal(0, 0.1, count)
        found[f"bn{k}/gamma"] = rng.uniform(0.5, 1.5, count)
        found[f"bn{k}/beta"] = rng.normal(0, 0.3, count)
        found[f"bn{k}/moving_mean"] = rng.normal(0, 0.1, count)
        found[f"bn{k}/moving_variance"] = rng.uniform(0.5, 1.5, count)
        before = count
    found["logits/kernel"] = rng.normal(0, 0.5, (before, 2))
    found["logits/bias"] = rng.normal(0, 0.1, 2)
    return {name: value.astype("float32") for name, value in found.items()}


def main():
    """Two whole steps for each set, without noise."""
    rng = np.random.default_rng(0)
    judge = judge_weights(rng)
    vessels = (rng.random((2, 3, SIDE, SIDE, 1)) < 0.2).astype("float32")
    photographs = rng.random((2, 3, SIDE, SIDE, 3)).astype("float32")
    generator = patho_generator((SIDE, SIDE, 3), noise=5, **SETTINGS)
    discriminator = patho_discriminator((SIDE, SIDE, 3), **SETTINGS)
    # Larger than a start of 0.02, or nothing but biases would matter in three levels.
    start = [
        [rng.normal(0, 0.2, v.shape).astype("float32") for v in m.trainable_variables]
        for m in (generator, discriminator)
    ]
    golden = {"vessels": vessels, "photographs": photographs}
    golden |= {f"judge/{name}": value for name, value in judge.items()}
    for name, weights in zip(("generator", "discriminator"), start, strict=True):
        golden |= {f"{name}/{k}": value for k, value in enumerate(weights)}
    for which in ("plain", "low", "high"):
        eye = None if which == "plain" else patho_gan_jax.Judge(judge, SIDE / 30, 4.0)
        step = jax.jit(patho_gan_jax.make_step(generator, discriminator, eye, which, noise_std=0.0))
        weights = [[jnp.asarray(one) for one in part] for part in start]
        state = (*weights, *(patho_gan_jax.fresh(part) for part in weights))
        for number in range(2):
            state, losses = step(state, jax.random.PRNGKey(0), vessels[number], photographs[number])
            golden[f"{which}/losses/{number}"] = np.asarray(losses)
        for name, part in zip(("generator", "discriminator"), state[:2], strict=True):
            golden |= {f"{which}/{name}/{k}": np.asarray(value) for k, value in enumerate(part)}
    np.savez_compressed(Path(__file__).with_name("patho_gan_golden.npz"), **golden)


if __name__ == "__main__":
    main()
