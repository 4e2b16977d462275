"""The control for every explanation: the same network, having learned nothing."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
from numpy.typing import ArrayLike

from lookinside.errors import LookInsideError
from lookinside.explain.calls.arguments import is_whole
from lookinside.explain.calls.bars import bar, speaking_for
from lookinside.explain.calls.blank import left_to_caller, warn_of_blank
from lookinside.explain.explainer import Explainer, explainer_of
from lookinside.explain.network.activations import is_black_box
from lookinside.explain.network.graph import Graph, Step
from lookinside.explain.network.precision import copy_weights, float_config
from lookinside.explain.truth.scores import map_correlation

_LEAST_AXES = 3  # (N, H, W): what has fewer is no map


def randomize_weights(model: keras.Model, seed: int = 0) -> keras.Model:
    """Return a copy of a model with freshly drawn weights, nested models included; the model itself is left alone.

    Each layer draws from its own initializers; batch normalisation forgets its moving statistics. A Normalization
    layer keeps what it was adapted to. The copy of a quantised model is one of floats.

    Args:
        model: a functional or Sequential Keras model.
        seed: same seed, same weights; no global random state is touched.

    Raises:
        LookInsideError: for a model that does not show its layers, a layer that cannot be copied or is a black box, or
            a negative seed.

    Source: Adebayo et al. 2018, Sanity Checks for Saliency Maps, section 3.
    """
    if not is_whole(seed, 0):
        raise LookInsideError(f"seed is {seed}: give a whole number from 0 on.")
    seeds = np.random.default_rng(seed)

    def fresh(layer):
        for part in getattr(layer, "_flatten_layers", lambda: ())():
            if is_black_box(part):
                raise LookInsideError(
                    f"Layer {part.name} ({type(part).__name__}) is a black box, whose weights cannot be drawn anew: "
                    "load the Keras model that it was made of."
                )
        config = _config_of(layer)
        _seed_initializers(config, seeds)
        return _made(layer, config)

    Graph(model)  # says in one line what cannot be copied
    copy = keras.models.clone_model(model, clone_function=fresh, recursive=True)
    for step, own in zip(Graph(copy).steps, Graph(model).steps, strict=True):
        if isinstance(own.layer, keras.layers.Normalization):  # how pixels are scaled is not learned by training
            copy_weights(own.layer, step.layer)
    return copy


def randomization_check(
    explainer: Callable[[keras.Model], Callable],
    model: keras.Model,
    images: ArrayLike,
    classes: ArrayLike | None = None,
    regions: ArrayLike | None = None,
    *,
    seed: int = 0,
    progress: bool | Callable = True,
) -> dict[str, np.ndarray]:
    """How a map changes as the network's layers are re-initialised one after the other, from the top down.

    An explanation of what was learned falls towards 0; one that stays near 1 shows the image or the architecture. The
    class and the region stay the trained network's. What two pictures' maps have in common anyway is no less than
    chance: look at the correlation of maps of different images beside it.

    Args:
        explainer: makes an explainer of a model: `GradCAM`, or `lambda model: SmoothGrad(model, samples=20)`.
        model: the trained network; it is left alone. Of a quantised one a copy of floats is checked.
        images: (N, H, W, C), as the model takes them; of several inputs a list of them, or a dict by name.
        classes: int (N,), or one for all; None is the class that the trained network predicts.
        regions: of a per-pixel classifier, see `Explainer`; None is where the trained network predicts the class.
        seed: of the fresh weights.
        progress: as for every `Explainer`; a step is a layer. False silences the explainer, too.

    Returns:
        Layer name -> correlation with the trained network's map over pixels, float64 (N,), from the top layer down:
        with this layer and all above it re-initialised. Layers that do not lead to the explained output are left out.

    Raises:
        LookInsideError: as the explainer, for an explanation of numbers, and for a model without weights.

    Warns:
        BlankMapWarning: once, where correlations are nan because a map is empty or the same everywhere.

    Source: Adebayo et al. 2018, Sanity Checks for Saliency Maps, section 4 (there: rank correlation and SSIM).
    """
    Graph(model)
    same = lambda layer: _made(layer, _config_of(layer))  # noqa: E731
    copy = keras.models.clone_model(model, clone_function=same, recursive=True)
    copy_weights(model, copy)
    explain = explainer_of(explainer, copy)
    if isinstance(explain, Explainer):
        with speaking_for(progress):
            classes, regions = explain.held(images, classes, regions)
        maps = lambda: explain(images, classes, regions)  # noqa: E731
    else:
        maps = lambda: explain(images)  # noqa: E731
    fresh = {step.name: step.layer for step in Graph(randomize_weights(copy, seed)).steps}
    steps = explain.score_steps if isinstance(explain, Explainer) else Graph(copy).steps
    weighted: dict[int, Step] = {}
    for step in steps:
        if _learns(step.layer):  # one that is called several times is drawn anew once, after all that is above a call
            weighted.setdefault(id(step.layer), step)
    if not weighted:
        raise LookInsideError(f"Model {model.name} has no weights: there is nothing to re-initialise.")
    found = {}
    with bar(progress, len(weighted), "randomisation", "layer") as shown, speaking_for(progress), left_to_caller():
        trained = maps()
        if isinstance(explain, Explainer) and np.ndim(trained) < _LEAST_AXES:
            raise LookInsideError("randomization_check compares maps: explain an input of images, numbers have no map.")
        for step in reversed(weighted.values()):
            copy_weights(fresh[step.name], step.layer)
            found[step.name] = map_correlation(trained, maps())
            shown.update(1)
    values = np.concatenate(list(found.values()))
    what = "correlations are nan, for one of the two maps is empty or the same everywhere"
    warn_of_blank(int(np.isnan(values).sum()), len(values), "randomization_check", what)
    return found


def _seed_initializers(config, seeds):
    """Give every initializer in a configuration a seed, those of the layers in it too."""
    if isinstance(config, list):
        for one in config:
            _seed_initializers(one, seeds)
    elif isinstance(config, dict):
        for name, value in config.items():
            if name.endswith("initializer") and isinstance(value, dict) and "seed" in value.get("config", {}):
                value["config"]["seed"] = int(seeds.integers(2**31))
            else:
                _seed_initializers(value, seeds)


def _config_of(layer):
    if "call" in vars(layer):
        raise LookInsideError(f"Layer {layer.name} has a call that was set on it: write a class, to copy it.")
    try:
        return float_config(layer.get_config())
    except NotImplementedError:
        raise LookInsideError(f"Layer {layer.name} ({type(layer).__name__}) has no get_config: write one.") from None


def _made(layer, config):
    try:
        return type(layer).from_config(config)
    except (TypeError, ValueError):
        kind = type(layer).__name__
        raise LookInsideError(f"Layer {layer.name} ({kind}) cannot be copied from its configuration.") from None


def _learns(layer):
    return isinstance(layer, keras.Layer) and layer.weights and not isinstance(layer, keras.layers.Normalization)
