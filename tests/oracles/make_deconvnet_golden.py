"""Write deconvnet_golden.npz: deconvnet projections by torch (MaxUnpool2d, conv_transpose2d), once and for all.

Needs torch and NumPy only, and nothing of this project:

    python3.11 -m venv torchenv && torchenv/bin/pip install torch==2.13.0 numpy
    torchenv/bin/python tests/oracles/make_deconvnet_golden.py

Two networks with random weights. Arrays of the file: `<net>/images` (N, H, W, C), `<net>/<layer>/<weight>` in Keras'
order of axes, `<net>/indices` (N, n), `<net>/maps` (N, n, H, W, C), each map projected alone, computed in float64.
"""

from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

TOP = 5
# name, maps out, kernel, stride, padding, dilation, groups | bn | relu | pool with kernel = stride, padding
NETS = {
    "plain": {
        "shape": (3, 22, 17, 1),  # 22 -> 11 -> 5, 17 -> 8 -> 4: odd rows and columns are left over
        "layers": [
            ("conv", "conv1_1", 6, 3, 1, 1, 1, 1),
            ("bn", "bn1_1"),
            ("relu",),
            ("conv", "conv1_2", 5, 3, 1, 1, 1, 1),
            ("relu",),
            ("pool", 2, 0),
            ("conv", "conv2_1", 8, 5, 1, 2, 1, 1),
            ("bn", "bn2_1"),
            ("relu",),
            ("pool", 2, 0),
            ("conv", "conv3_1", 9, 3, 1, 1, 1, 1),
            ("bn", "bn3_1"),
            ("relu",),
        ],
    },
    "varied": {
        "shape": (2, 31, 26, 3),
        "layers": [
            ("conv", "conv1_1", 6, 5, 2, 0, 1, 1),  # stride, no padding
            ("relu",),
            ("conv", "conv1_2", 8, 3, 1, 0, 2, 2),  # dilation, two groups
            ("bn", "bn1_2"),
            ("relu",),
            ("pool", 3, 0),  # threes: 10 x 7 leaves one row and one column over
            ("conv", "conv2_1", 7, 2, 1, 0, 1, 1),  # an even kernel
            ("relu",),
        ],
    },
}


def weights_of(net, rng):
    """Random weights of a network, as torch wants them, in float64."""
    weights, channels = {}, net["shape"][-1]
    for layer in net["layers"]:
        if layer[0] == "conv":
            _, name, maps, kernel, _, _, _, groups = layer
            fan_in = channels // groups * kernel**2
            weights[name] = {
                "kernel": rng.normal(0, np.sqrt(2 / fan_in), (maps, channels // groups, kernel, kernel)),
                "bias": rng.normal(0, 0.1, maps),
            }
            channels = maps
        elif layer[0] == "bn":
            weights[layer[1]] = {
                "gamma": rng.normal(0.3, 1, channels),  # some are negative
                "beta": rng.normal(0.2, 0.3, channels),
                "mean": rng.normal(0, 0.3, channels),
                "variance": rng.uniform(0.3, 2, channels),
            }
    rounded = {n: {k: v.astype(np.float32).astype(np.float64) for k, v in w.items()} for n, w in weights.items()}
    return {n: {k: torch.from_numpy(v) for k, v in w.items()} for n, w in rounded.items()}


def bn_scale(weight):
    """What batch normalisation multiplies by; 1e-3 is Keras' epsilon."""
    return (weight["gamma"] / torch.sqrt(weight["variance"] + 1e-3)).reshape(1, -1, 1, 1)


def forward(net, weights, x):
    """The network; returns the last maps, the switches of each pool and the shape that each layer read."""
    switches, shapes = [], []
    for layer in net["layers"]:
        shapes.append(x.shape)
        if layer[0] == "conv":
            _, name, _, _, stride, padding, dilation, groups = layer
            weight = weights[name]
            x = functional.conv2d(x, weight["kernel"], weight["bias"], stride, padding, dilation, groups)
        elif layer[0] == "bn":
            weight = weights[layer[1]]
            x = (x - weight["mean"].reshape(1, -1, 1, 1)) * bn_scale(weight) + weight["beta"].reshape(1, -1, 1, 1)
        elif layer[0] == "relu":
            x = functional.relu(x)
        else:
            x, where = functional.max_pool2d(x, layer[1], padding=layer[2], return_indices=True)
            switches.append(where)
    return x, switches, shapes


def backward(net, weights, signal, switches, shapes):
    """The way back of one map of one image."""
    switches = list(switches)
    for layer, shape in reversed(list(zip(net["layers"], shapes, strict=True))):
        if layer[0] == "conv":
            _, name, _, kernel, stride, padding, dilation, groups = layer
            read = dilation * (kernel - 1) + 1
            rest = [(side + 2 * padding - read) % stride for side in shape[2:]]
            signal = functional.conv_transpose2d(
                signal, weights[name]["kernel"], None, stride, padding, rest, groups, dilation
            )
        elif layer[0] == "bn":
            signal = signal * bn_scale(weights[layer[1]])
        elif layer[0] == "relu":
            signal = functional.relu(signal)
        else:
            unpool = torch.nn.MaxUnpool2d(layer[1], padding=layer[2])
            signal = unpool(signal, switches.pop(), output_size=shape[2:])
    return signal


def main():
    rng = np.random.default_rng(4)
    arrays = {}
    for name, net in NETS.items():
        weights = weights_of(net, rng)
        images = rng.uniform(0, 1, net["shape"]).astype(np.float32)
        images[-1, 5:15, 3:12] = 0.5  # a plain patch: windows of equal values
        x = torch.from_numpy(images.astype(np.float64)).permute(0, 3, 1, 2)
        maps, switches, shapes = forward(net, weights, x)
        peaks = maps.amax(dim=(2, 3))
        indices = torch.argsort(peaks, dim=1, descending=True)[:, :TOP]
        out = np.zeros((len(images), TOP, *net["shape"][1:]))
        for image in range(len(images)):
            own = [where[image : image + 1] for where in switches]
            own_shapes = [(1, *shape[1:]) for shape in shapes]
            for place, index in enumerate(indices[image]):
                alone = torch.zeros_like(maps[image : image + 1])
                alone[0, index] = maps[image, index]
                back = backward(net, weights, alone, own, own_shapes)
                out[image, place] = back[0].permute(1, 2, 0).numpy()
        ranked = -np.sort(-peaks.numpy(), axis=1)[:, : TOP + 1]
        assert (ranked[:, :-1] - ranked[:, 1:] > 1e-4).all(), "maps too close to be ranked in float32"
        assert (np.abs(out).max(axis=(2, 3, 4)) > 0).all(), "a projection is empty"
        arrays[f"{name}/images"], arrays[f"{name}/indices"] = images, indices.numpy()
        arrays[f"{name}/maps"] = out.astype(np.float32)
        for layer, weight in weights.items():
            for key, value in weight.items():
                value = value.permute(2, 3, 1, 0) if key == "kernel" else value
                arrays[f"{name}/{layer}/{key}"] = value.numpy().astype(np.float32)
    np.savez_compressed(Path(__file__).with_name("deconvnet_golden.npz"), **arrays)


if __name__ == "__main__":
    main()
