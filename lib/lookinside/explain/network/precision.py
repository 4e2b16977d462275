"""Weights and numbers of other kinds than float32: half floats, and kernels that are quantised to whole numbers."""

from __future__ import annotations

import keras

from lookinside.errors import LookInsideError


def in_float32(layer: keras.Layer) -> keras.DTypePolicy:
    """A layer's own policy, but computing in float32; what is quantised stays quantised."""
    policy = layer.dtype_policy
    if isinstance(policy, keras.dtype_policies.DTypePolicyMap):
        policy = policy[layer.path]
    if policy.quantization_mode is None:
        return keras.DTypePolicy("float32")
    return type(policy).from_config(policy.get_config() | {"source_name": "float32"})


def float_config(config: dict, policy: str | None = None) -> dict:
    """A layer's configuration without quantisation, its inner layers' too.

    Args:
        config: of a layer.
        policy: the dtype policy of all layers in it; None leaves each its own.
    """
    if isinstance(config, list):
        return [float_config(one, policy) for one in config]
    if not isinstance(config, dict):
        return config
    source = config["config"].get("source_name") if isinstance(config.get("config"), dict) else None
    if source:  # this is a policy of quantised weights, made from another policy
        return source
    return {
        name: None
        if name == "quantization_config"
        else policy
        if name == "dtype" and policy
        else float_config(value, policy)
        for name, value in config.items()
    }


def float_kernel(layer: keras.Layer):
    """The kernel of a Dense or EinsumDense layer as floats, a tensor.

    Raises:
        LookInsideError: for a quantised kernel that cannot be read as floats, by the layer's name.
    """
    mode = layer.quantization_mode
    if mode in (None, "float8"):
        return keras.ops.cast(layer.kernel, "float32")
    if mode != "int8" or not isinstance(layer, keras.layers.Dense | keras.layers.EinsumDense):
        raise LookInsideError(
            f"Layer {layer.name} is quantised to {mode}: explain the model of floats that it was made of."
        )
    scale = layer.kernel_scale
    if isinstance(layer, keras.layers.EinsumDense):  # it keeps the scale in the shape of its output
        scale = layer._adjust_scale_for_dequant(scale)
    kernel = keras.ops.cast(layer._kernel, "float32") / scale
    if layer.lora_enabled:
        kernel += layer.lora_alpha / layer.lora_rank * keras.ops.matmul(layer.lora_kernel_a, layer.lora_kernel_b)
    return kernel


def copy_weights(source: keras.Layer, copy: keras.Layer) -> None:
    """Give a copy of a layer or model the weights of the one that it is a copy of, quantised ones as floats.

    Also what is worked out of weights: a Normalization keeps its own form of mean and variance beside them, and forgets
    to renew it.

    Raises:
        LookInsideError: for a quantised kernel that cannot be read as floats.
    """
    for own, part in zip(source._flatten_layers(), copy._flatten_layers(), strict=True):
        if own.quantization_mode is None or part.quantization_mode is not None:
            for variable, value in zip(_variables(part), _variables(own), strict=True):
                variable.assign(value)
        else:
            part._kernel.assign(float_kernel(own))  # with its LoRA; the copy's own is fresh and adds nothing
            if part.bias is not None:
                part.bias.assign(own.bias)
        if isinstance(part, keras.layers.Normalization):
            part.finalize_state()


def _variables(layer):
    """A layer's own variables, without those of the layers in it."""
    return [*layer._trainable_variables, *layer._non_trainable_variables]
