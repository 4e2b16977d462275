"""PathologyAware: a network's feature maps in two sets, point-like and spread out, each summed by gradient weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Unpack

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from lookinside.arrays import as_numbers
from lookinside.errors import LookInsideError
from lookinside.explain.calls.arguments import is_number, is_whole
from lookinside.explain.calls.blank import tell_of_sets
from lookinside.explain.calls.target import Target
from lookinside.explain.explainer import ClassScores, Explainer, Options, reachable
from lookinside.explain.maps.combination import combined
from lookinside.explain.maps.selected_maps import Selection
from lookinside.explain.maps.selection import READINGS, feature_sets, l1_norms_and_moments, set_weights
from lookinside.explain.network.layers import convolution_values, map_value
from lookinside.explain.network.tracing import traced

SETS = ("low", "high")


class PathologyMaps(NamedTuple):
    """The maps of both sets of features.

    Attributes:
        low: float32 (N, H, W), signed, from the maps of low moment: small, point-like, dim.
        high: float32 (N, H, W), signed, from the maps of high moment: spread out, bright.
    """

    low: np.ndarray
    high: np.ndarray


class PathologyAware(ClassScores):
    """The pathology-aware visualisation: `PathologyAware(model)(images, classes=None).low` and `.high`.

    In each layer the maps whose L1 norm exceeds `theta_act` times the layer's largest are active (Eq. 1). Those of low
    and those of high centroid-centric moment of inertia J (CMI, Eq. 2) make two sets. In each set the maps are weighted
    by the mean gradient of the class's score before the softmax (Eq. 3), enlarged to the image (bilinear) and summed
    over all layers (Eq. 4). Nothing is cut off: negative where a place speaks against the class.

    One forward and one backward pass serve all layers and both sets. A set that is empty in one layer adds nothing;
    `select` counts them. In a layer without a ReLU, J and the norm weigh a pixel by its absolute value.

    Args:
        model: see `Explainer`.
        layers: names of layers, as in `GradCAM`; one name shows a layer alone. None: all convolutions that lead to the
            score, each behind the normalisation and activation that follow it; maps of one pixel are left out.
        theta_act: Eq. 1, 0 to below 1; at 0 every map that is not zero everywhere is active.
        theta_cmi: the thresholds of low and of high moment.
        cmi: what is compared with `theta_cmi`; the paper does not say what J is measured in, and it grows with a map's
            brightness and with the fourth power of its size:
            "layer" (default): J over the largest J of the layer's active maps, the form of Eq. 1;
            "gyration": J / L1, the mean squared distance from the centroid, which no brightness changes, over the
            largest of the layer's active maps;
            "raw": J as it is, to the letter;
            "quantile": `theta_cmi` are quantiles of J over the layer's active maps;
            "none": nothing, both sets hold all active maps (an ablation; `low` and `high` are then one map).
            Where a threshold of "layer" or "gyration" leaves a set empty, the maps up to the 10 % quantile (from the
            90 % quantile on) fill it, and leave the other set if they were in it. With "raw" it stays empty.
        shuffle: a seed, for another ablation: the sets keep their sizes, but hold active maps drawn at random. All
            images get the same draws, so a map does not depend on its neighbours.
        options: see `Explainer`.

    Raises:
        LookInsideError: for a layer that does not exist, has no maps, is named twice, or from which no gradient comes;
            a threshold out of range, another `cmi`; else as `Explainer`.

    Source: Wang et al. 2019, section 4.1, Eqs. 1 to 4; readings, quantiles and ablations are ours.
    """

    not_a_map = "makes two maps of an image: choose one, `lambda model: PathologyAware(model).only('low')` say"

    def __init__(
        self,
        model: keras.Model,
        layers: Sequence[str] | None = None,
        *,
        theta_act: float = 0.1,
        theta_cmi: tuple[float, float] = (0.1, 0.9),
        cmi: str = "layer",
        shuffle: int | None = None,
        **options: Unpack[Options],
    ):
        super().__init__(model, **options)
        _check(theta_act, theta_cmi, cmi, shuffle)
        self._values = self._named(layers)
        self.layers = tuple(self._values)
        self.theta_act, self.theta_cmi, self.cmi, self.shuffle = float(theta_act), tuple(theta_cmi), cmi, shuffle
        self._counts = [self._graph.writer(value).shape[-1] for value in self._values.values()]
        self._orders = [
            None if shuffle is None else np.random.default_rng([shuffle, place]).permutation(count).astype(np.int32)
            for place, count in enumerate(self._counts)
        ]
        self._traced, self._traced_select = traced(self._maps), traced(self._select)

    per_pixel = True

    def __call__(
        self, images: ArrayLike, classes: ArrayLike | None = None, regions: ArrayLike | None = None
    ) -> PathologyMaps:
        """The maps of both sets, `PathologyMaps`. Arguments, errors and the warning of blank maps: see `Explainer`."""
        both = self._over_chunks(images, classes, self._traced, regions)
        maps = PathologyMaps(both[:, 0], both[:, 1])
        tell_of_sets(maps._asdict(), type(self).__name__)
        return maps

    def only(self, name: str) -> Explainer:
        """An `Explainer` of one set, "low" or "high", for `compare`, `randomization_check` and whatever takes one."""
        if name not in SETS:
            raise LookInsideError(f"only({name!r:.60}): give 'low' or 'high'.")
        return _OneSet(self, SETS.index(name))

    def select(
        self, images: ArrayLike, classes: ArrayLike | None = None, regions: ArrayLike | None = None
    ) -> Selection:
        """Layer -> `SelectedMaps`: each map's L1 norm, J and weight, its set, and which rule spoke.

        Arguments as in a call. `select(...).rows` counts empty sets.
        """
        found = self._over_chunks(images, classes, self._traced_select, regions)
        return Selection.unpacked(found, dict(zip(self.layers, self._counts, strict=True)))

    def map_weights(self, images: tf.Tensor, classes: tf.Tensor | int | None = None) -> list[tf.Tensor]:
        """What each map weighs in each set, for `weighted` inside of a training graph; a constant for its gradients.

        Arguments, errors: see `own_maps`.

        Returns:
            For each layer float32 (N, K, 2): the weight where the map is in the set (low, high), else 0.
        """
        return self.own_maps(images, classes)[1]

    def own_maps(self, images: tf.Tensor, classes: tf.Tensor | int | None = None) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Maps and `map_weights` of images by one forward and one backward pass, inside of a training graph.

        Args:
            images: float32 (N, H, W, C), unchecked; the model's only input.
            classes: int32 (N,) or one for all; None or -1 is the predicted class. Tensors are unchecked.

        Returns:
            Maps float32 (N, 2, H, W): low, high; and for each layer the weights, float32 (N, K, 2).

        Raises:
            LookInsideError: for one class that the model does not have.
        """
        self._check_single_input()
        if isinstance(classes, int) and classes != -1:
            self._checked_classes(classes, 1)
        classes = tf.broadcast_to(tf.cast(-1 if classes is None else classes, tf.int32), tf.shape(images)[:1])
        maps, weights, sets, *_ = self._looked(images, Target(classes))
        weights = [tf.stop_gradient(set_weights(*both)) for both in zip(sets, weights, strict=True)]
        return combined(maps, weights, images.shape[1:3]), weights

    def weighted(self, images: tf.Tensor, weights: Sequence[tf.Tensor]) -> tf.Tensor:
        """Eq. 4 with given weights, differentiable by the images; for the loss of a network that makes them.

        With an image's own `map_weights` it is that image's map.

        Args:
            images: float32 (N, H, W, C), unchecked.
            weights: from `map_weights`, of the same or of N other images.

        Returns:
            float32 (N, 2, H, W): low, high.

        Raises:
            LookInsideError: for weights of another number of layers.
        """
        if len(weights) != len(self.layers):
            raise LookInsideError(f"weights are of {len(weights)} layers, not {len(self.layers)}: use map_weights.")
        self._check_single_input()
        known = self._graph.compute({0: images}, self._values.values(), self._call)
        return combined([known[value] for value in self._values.values()], weights, images.shape[1:3])

    def _check_single_input(self):
        if len(self._graph.inputs) > 1 or self._head.per_pixel:
            raise LookInsideError("In a training graph the model must have one input and scores (N, classes).")

    def _named(self, layers):
        """Name -> number of the value that holds the maps."""
        if layers is None:
            return convolution_values(self._graph, self._head)
        if isinstance(layers, str) or not isinstance(layers, Sequence) or not layers:
            raise LookInsideError(f"layers is {layers!r:.60}: give a list of names, or None for every convolution.")
        found = {}
        for name in layers:
            value = map_value(self._graph, name, self._head)
            if value in found.values():
                raise LookInsideError(f"Layer {name!r} stands for maps that are named already: name them once.")
            found[name] = value
        return found

    def _maps(self, images, target):
        maps, weights, sets, *_ = self._looked(images, target)
        return combined(maps, [set_weights(*both) for both in zip(sets, weights, strict=True)], images.shape[1:3])

    def _select(self, images, target):
        """(N, .): for each layer what `Selection.unpacked` reads, side by side."""
        _, weights, sets, measured = self._looked(images, target)
        columns = [
            [*both, weight, *(tf.cast(part, tf.float32) for part in one)]
            for both, weight, one in zip(measured, weights, sets, strict=True)
        ]
        return tf.concat([part for layer in columns for part in layer], axis=1)

    def _looked(self, images, target):
        """For each layer: maps, gradient weights, sets, and (L1 norms, moments)."""
        wanted = set(self._values.values())
        with tf.GradientTape(watch_accessed_variables=False) as tape:

            def call(step, *arguments, **options):
                outputs = self._call(step, *arguments, **options)
                if wanted.intersection(step.outputs):
                    tape.watch(outputs)
                return outputs

            known = self._graph.compute(self._known(images, target), [self._head.value], call)
            score = tf.reduce_sum(self._score_of(self._logits_in(known, target), target))
        maps = [known[value] for value in self._values.values()]
        slopes = zip(tape.gradient(score, maps), self.layers, strict=True)
        weights = [tf.reduce_mean(reachable(slope, f"layer {name}"), axis=(1, 2)) for slope, name in slopes]
        measured = [l1_norms_and_moments(one) for one in maps]
        sets = [
            feature_sets(*both, self.theta_act, self.theta_cmi, self.cmi, order)
            for both, order in zip(measured, self._orders, strict=True)
        ]
        return maps, weights, sets, measured


class _OneSet(Explainer):
    """One of the two maps, as an explainer of its own."""

    title = PathologyAware.__name__

    def __init__(self, both: PathologyAware, place: int):
        vars(self).update(vars(both))  # checked, and traced for `predict`, already
        self._both, self._place = both, place
        self._traced = traced(self._maps)

    def _maps(self, images, target):
        return self._both._maps(images, target)[:, self._place]


def _check(theta_act, theta_cmi, cmi, shuffle):
    """Raise LookInsideError for a threshold out of range, or options that do not go together."""
    if not is_number(theta_act) or theta_act >= 1:
        raise LookInsideError(f"theta_act is {theta_act!r:.60}: give a share of the largest norm, 0 to below 1.")
    if cmi not in READINGS:
        raise LookInsideError(f"cmi is {cmi!r:.60}: give one of {', '.join(READINGS)}.")
    pair = as_numbers(theta_cmi, "theta_cmi")
    top = 1 if cmi == "quantile" else np.inf
    if pair.shape != (2,) or not all(map(is_number, pair)) or not pair[0] < pair[1] <= top:
        raise LookInsideError(f"theta_cmi is {theta_cmi!r:.60}: give two numbers from 0 on, the lower one first.")
    if shuffle is not None and (not is_whole(shuffle, 0) or cmi == "none"):
        raise LookInsideError(
            f"shuffle is {shuffle!r:.60} with cmi={cmi!r}: give a seed from 0 on, or None; sets are needed to shuffle."
        )
