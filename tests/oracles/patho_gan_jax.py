"""Patho-GAN's training step in JAX, written from Wang et al. 2019 (Eqs. 1 to 6) and Kingma & Ba 2015, for a comparison.

It shares with the library the two networks (plain Keras, here on JAX), and nothing else: the classifier's layers, its
maps, their gradients, sets and weights, the losses, the order of the moves and Adam are written out. It needs JAX, the
project does not; `make_patho_gan_golden.py` writes what it computes into a file that the tests read.

    KERAS_BACKEND=jax python tests/oracles/patho_gan_jax.py --help      trains with it, on a GPU where there is one
"""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from scipy.ndimage import gaussian_filter1d

SMALL = 1e-3  # epsilon of Keras' batch normalisation


class Judge:
    """wang_convnet with a pooling head, 'same' padding and batch normalisation, on photographs without local mean.

    Args:
        weights: name -> array: conv1/kernel, conv1/bias, bn1/gamma, ..., logits/kernel, logits/bias.
        sigma, gain: of the subtraction of the local mean.
    """

    def __init__(self, weights, sigma, gain):
        self.weights = {name: jnp.asarray(value) for name, value in weights.items()}
        self.sigma, self.gain = sigma, gain

    def maps_and_score(self, photographs, added, class_index):
        """Maps behind each ReLU, to which `added` was added, and the summed logit of a class."""
        w = self.weights
        x = photographs
        local = x
        for axis in (1, 2):
            blur = gaussian_filter1d(np.eye(x.shape[axis]), self.sigma, axis=0, mode="nearest").astype("float32")
            local = jnp.moveaxis(jnp.tensordot(jnp.asarray(blur), local, axes=(1, axis)), 0, axis)
        x = jnp.clip(self.gain * (x - local) + 128 / 255, 0, 1)
        found = []
        for k in range(1, 6):
            x = lax.conv_general_dilated(
                x, w[f"conv{k}/kernel"], (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
            )
            x = x + w[f"conv{k}/bias"]
            scale = w[f"bn{k}/gamma"] / jnp.sqrt(w[f"bn{k}/moving_variance"] + SMALL)
            x = (x - w[f"bn{k}/moving_mean"]) * scale + w[f"bn{k}/beta"]
            x = jnp.maximum(x, 0) + added[k - 1]
            found.append(x)
        logits = x.mean((1, 2)) @ w["logits/kernel"] + w["logits/bias"]
        return found, logits[:, class_index].sum()

    def maps(self, photographs):
        """Maps behind each ReLU."""
        return self.maps_and_score(photographs, [0.0] * 5, 0)[0]

    def weights_of_maps(self, photographs, which, class_index=1):
        """Eqs. 1 to 3: for each layer (N, K), the weight where the map is in the set, else 0."""
        shapes = jax.eval_shape(self.maps, photographs)
        nothing = [jnp.zeros(one.shape) for one in shapes]

        def score(added):
            maps, total = self.maps_and_score(photographs, added, class_index)
            return total, maps

        slopes, maps = jax.grad(score, has_aux=True)(nothing)
        inside = [chosen(one, which) for one in maps]
        return maps, [jnp.where(kept, slope.mean((1, 2)), 0.0) for kept, slope in zip(inside, slopes, strict=True)]

    def picture(self, maps, weights, side):
        """Eq. 4: (N, H, W)."""
        total = 0.0
        for one, weight in zip(maps, weights, strict=True):
            low = jnp.einsum("nhwk,nk->nhw", one, weight)
            total = total + jax.image.resize(low, (low.shape[0], side, side), "bilinear")
        return total


def chosen(maps, which, theta_act=0.1, theta_cmi=(0.1, 0.9)):
    """Eqs. 1 and 2 with J over the layer's largest, and quantiles where a set would be empty: bool (N, K)."""
    height, width = maps.shape[1:3]
    i, j = jnp.arange(height)[None, :, None, None], jnp.arange(width)[None, None, :, None]
    norm = maps.sum((1, 2))
    safe = jnp.where(norm > 0, norm, 1.0)
    ic, jc = (i * maps).sum((1, 2)) / safe, (j * maps).sum((1, 2)) / safe
    moment = (((i - ic[:, None, None]) ** 2 + (j - jc[:, None, None]) ** 2) * maps).sum((1, 2))
    active = norm > theta_act * norm.max(1, keepdims=True)
    largest = jnp.where(active, moment, 0.0).max(1, keepdims=True)
    share = moment / jnp.where(largest > 0, largest, 1.0)
    low, high = active & (share < theta_cmi[0]), active & (share > theta_cmi[1])
    tails = jnp.nanquantile(jnp.where(active, share, jnp.nan), jnp.array([0.1, 0.9]), axis=1)[:, :, None]
    few, many = active & (share <= tails[0]) & (share < tails[1]), active & (share >= tails[1]) & (share > tails[0])
    no_low, no_high = ~low.any(1, keepdims=True), ~high.any(1, keepdims=True)
    if which == "low":
        return jnp.where(no_low, few, low & ~(no_high & many))
    return jnp.where(no_high, many, high & ~(no_low & few))


def patho_loss(judge, reference, photographs, drawn):
    """Eq. 6 in units of the largest value of the real photograph's map; `reference`: its map and its weights."""
    wanted, weights = reference
    found = judge.picture(judge.maps(drawn), weights, drawn.shape[1])
    largest = jnp.abs(wanted).max((1, 2), keepdims=True)
    return (jnp.abs(wanted - found) / jnp.where(largest > 0, largest, jnp.inf)).mean()


def adam(state, slopes, weights, rate=2e-4, beta1=0.5, beta2=0.999, epsilon=1e-7):
    """One step of Adam as Keras counts it: epsilon beside the corrected root."""
    step, first, second = state
    step = step + 1
    first = [beta1 * m + (1 - beta1) * g for m, g in zip(first, slopes, strict=True)]
    second = [beta2 * v + (1 - beta2) * g * g for v, g in zip(second, slopes, strict=True)]
    size = rate * jnp.sqrt(1 - beta2**step) / (1 - beta1**step)
    weights = [w - size * m / (jnp.sqrt(v) + epsilon) for w, m, v in zip(weights, first, second, strict=True)]
    return (step, first, second), weights


def fresh(weights):
    """Adam's state before its first step."""
    return jnp.float32(0), [jnp.zeros_like(w) for w in weights], [jnp.zeros_like(w) for w in weights]


def make_step(
    generator,
    discriminator,
    judge=None,
    which="low",
    trade_off=1000.0,
    noise_std=0.01,
    moves=2,
    pixel=0.0,
    rates=(2e-4, 2e-4),
):
    """One whole step as a function: (state, key, vessels, photographs, total=None) -> (state, losses).

    `pixel` is the weight of a rival to L_patho: the mean absolute difference of the pixels. `rates` are those
    of generator and discriminator; they fall along half a cosine to 0 at `total` steps, where that is given.
    """
    codes = generator.inputs[1].shape[1]

    def draw(weights, vessels, key):
        noise = noise_std * jax.random.normal(key, (vessels.shape[0], codes))
        return generator.stateless_call(weights, [], [vessels, noise])[0]

    def judged(weights, vessels, photographs):
        return discriminator.stateless_call(weights, [], [vessels, photographs])[0]

    def loss_g(weights_g, weights_d, key, vessels, photographs, reference):
        drawn = draw(weights_g, vessels, key)
        adversarial = jax.nn.softplus(-judged(weights_d, vessels, drawn)).mean()
        pathology = 0.0 if reference is None else patho_loss(judge, reference, photographs, drawn)
        total = adversarial + trade_off * pathology + pixel * jnp.abs(drawn - photographs).mean()
        return total, (adversarial, pathology)

    def loss_d(weights_d, drawn, vessels, photographs):
        real, fake = judged(weights_d, vessels, photographs), judged(weights_d, vessels, drawn)
        return jax.nn.softplus(-real).mean() + jax.nn.softplus(fake).mean()

    def rate(number, adam_state, total):
        if total is None:
            return rates[number]
        done = adam_state[0] / (total * (moves, 1)[number])
        return rates[number] * 0.5 * (1 + jnp.cos(jnp.pi * jnp.minimum(done, 1)))

    def step(state, key, vessels, photographs, total=None):
        weights_g, weights_d, adam_g, adam_d = state
        keys = jax.random.split(key, moves + 1)
        reference = None
        if judge is not None:
            maps, weights = judge.weights_of_maps(photographs, which)
            reference = judge.picture(maps, weights, photographs.shape[1]), weights
        for number in range(moves):
            slopes, (adversarial, pathology) = jax.grad(loss_g, has_aux=True)(
                weights_g, weights_d, keys[number], vessels, photographs, reference
            )
            adam_g, weights_g = adam(adam_g, slopes, weights_g, rate(0, adam_g, total))
        drawn = draw(weights_g, vessels, keys[moves])
        value, slopes = jax.value_and_grad(loss_d)(weights_d, drawn, vessels, photographs)
        adam_d, weights_d = adam(adam_d, slopes, weights_d, rate(1, adam_d, total))
        return (weights_g, weights_d, adam_g, adam_d), jnp.array([adversarial, value, pathology])

    return step
