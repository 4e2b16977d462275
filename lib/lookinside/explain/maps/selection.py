"""Which feature maps count: their L1 norm, their moment of inertia, and two sets of them (Wang et al. 2019, Eqs. 1, 2).

Pure functions of tensors: an explainer calls them, and so may the loss of a network in training.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

READINGS = ("raw", "layer", "gyration", "quantile", "none")


class FeatureSets(NamedTuple):
    """Two sets of the maps of one layer, image by image; all are tensors.

    Attributes:
        active: bool (N, K), the maps that Eq. 1 keeps.
        low, high: bool (N, K), the active maps of low and of high moment.
        by_quantile: bool (N, 2), whether the set (low, high) was filled by a quantile rather than by its threshold.
    """

    active: tf.Tensor
    low: tf.Tensor
    high: tf.Tensor
    by_quantile: tf.Tensor


def l1_norms_and_moments(maps: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The L1 norm of each map, and its centroid-centric moment of inertia J (Wang et al. 2019, Eq. 2).

    A pixel weighs what its absolute value is: behind a ReLU, as in the paper, that is the value itself.

    Args:
        maps: float (N, h, w, K).

    Returns:
        L1 norms and moments, both (N, K), the moments in squared pixels of the map times its unit.
    """
    mass = tf.abs(maps)
    along = tf.reduce_sum(mass, axis=2), tf.reduce_sum(mass, axis=1)  # (N, h, K) and (N, w, K)
    norms = tf.reduce_sum(along[0], axis=1)
    # The centroid is subtracted before the squares are taken: float32 would lose a small map far from the corner.
    return norms, sum(_squared_spread(one, norms) for one in along)


def _squared_spread(profile, norms):
    """Sum over an axis of the squared distance from the centroid, times the profile's value: (N, s, K) -> (N, K)."""
    places = tf.range(tf.shape(profile)[1], dtype=profile.dtype)[None, :, None]
    centroid = tf.math.divide_no_nan(tf.reduce_sum(places * profile, axis=1), norms)
    return tf.reduce_sum((places - centroid[:, None]) ** 2 * profile, axis=1)


def feature_sets(
    norms: tf.Tensor,
    moments: tf.Tensor,
    theta_act: float = 0.1,
    theta_cmi: tuple[float, float] = (0.1, 0.9),
    cmi: str = "layer",
    order: tf.Tensor | None = None,
) -> FeatureSets:
    """Divide the maps of one layer into two sets by their moment, after the dim ones are left out.

    Args:
        norms, moments: (N, K), see `l1_norms_and_moments`.
        theta_act: Eq. 1; share of the layer's largest L1 norm above which a map is active.
        theta_cmi: below the first a moment is low, above the second it is high.
        cmi: what the thresholds are compared with, see `PathologyAware`.
        order: number (K,) of each map; the sets keep their sizes, but the first active maps in this order are low and
            the last ones high. None: the moments decide.
    """
    active = norms > theta_act * tf.reduce_max(norms, axis=1, keepdims=True)
    if cmi == "none":
        return FeatureSets(active, active, active, tf.zeros_like(active[:, :2]))
    value = tf.math.divide_no_nan(moments, norms) if cmi == "gyration" else moments
    if cmi in ("layer", "gyration"):
        largest = tf.reduce_max(tf.where(active, value, 0.0), axis=1, keepdims=True)
        value = tf.math.divide_no_nan(value, largest)
    low, high = active & (value < theta_cmi[0]), active & (value > theta_cmi[1])
    if cmi == "raw":
        by_quantile = tf.zeros_like(active[:, :2])
    else:
        low_tail, high_tail = _tails(value, active, (0.1, 0.9) if cmi != "quantile" else theta_cmi)
        none = tf.fill((tf.shape(active)[0], 1), True)
        no_low, no_high = (
            none if cmi == "quantile" else ~tf.reduce_any(one, axis=1, keepdims=True) for one in (low, high)
        )
        # What a quantile gives to one set is not in the other as well.
        low, high = (
            tf.where(no_low, low_tail, low & ~(no_high & high_tail)),
            tf.where(no_high, high_tail, high & ~(no_low & low_tail)),
        )
        by_quantile = tf.concat([no_low, no_high], axis=1)
    if order is not None:
        low, high = _dealt(active, low, high, order)
    return FeatureSets(active, low, high, by_quantile)


def set_weights(sets: FeatureSets, weights: tf.Tensor) -> tf.Tensor:
    """The weight (N, K) of each map where it is in the set (low, high), else 0: (N, K, 2)."""
    inside = tf.stack([sets.low, sets.high], axis=-1)
    return tf.where(inside, weights[..., None], 0.0)


def _tails(value, active, shares):
    """The active maps up to the first quantile of the active ones, and from the second on; a tie of all is in none."""
    value = tf.cast(value, tf.float64)  # a quantile between two places is compared with its neighbours
    ordered = tf.sort(tf.where(active, value, value.dtype.max), axis=1)
    last = tf.maximum(tf.math.count_nonzero(active, 1, keepdims=True, dtype=tf.float64) - 1.0, 0.0)

    def quantile(share):
        place = share * last
        below, above = (
            tf.gather(ordered, tf.cast(one, tf.int32), axis=1, batch_dims=1)
            for one in (tf.floor(place), tf.math.ceil(place))
        )
        return below + (above - below) * (place - tf.floor(place))

    low, high = (quantile(share) for share in shares)
    return active & (value <= low) & (value < high), active & (value >= high) & (value > low)


def _dealt(active, low, high, order):
    """Sets of the same sizes, dealt out by an order of the maps instead of their moments."""
    place = tf.where(active, order[None], tf.shape(active)[1])
    place = tf.argsort(tf.argsort(place, axis=1, stable=True), axis=1, stable=True)
    few, many, all_of_them = (
        tf.reduce_sum(tf.cast(one, tf.int32), axis=1, keepdims=True) for one in (low, high, active)
    )
    return active & (place < few), active & (place >= all_of_them - many)
