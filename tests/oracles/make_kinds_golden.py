"""Write kinds_golden.npz: volumes, per-pixel classifiers, numbers beside the image, residual sums, by captum on torch.

Needs nothing of this project:

    python3.11 -m venv torchenv && torchenv/bin/pip install torch==2.13.0 captum==0.9.0 numpy
    torchenv/bin/python tests/oracles/make_kinds_golden.py

Four networks with random weights, computed in float64. Arrays of the file: `<net>/images` (N, H, W, C) or (N, D, H, W,
C), `<net>/classes` (N,), `<net>/<layer>/<weight>` in Keras' order of axes, and what captum finds: `gradient`, `guided`,
`deconvnet`, signed; `gradcam`; `occlusion`. Of the per-pixel network also `regions`, of the one with numbers `numbers`
and `gradient of numbers`; of the residual one `maps` (N, n, H, W, C), its `indices` (N, n) strongest maps projected.
"""

import warnings
from pathlib import Path

import numpy as np
import torch
from captum.attr import Deconvolution, GuidedBackprop, LayerGradCam, Occlusion, Saliency
from torch import nn

TOP = 4


class Volume(nn.Module):
    """Two 3-D convolutions, a pool, a normalisation, global average pooling."""

    shape, occluded = (2, 6, 8, 10, 1), (3, 4, 4)

    def __init__(self):
        super().__init__()
        self.conv1, self.relu1 = nn.Conv3d(1, 5, 3, padding=1), nn.ReLU()
        self.bn1, self.pool = nn.BatchNorm3d(5, eps=1e-3), nn.MaxPool3d(2)
        self.conv2, self.relu2 = nn.Conv3d(5, 6, (2, 3, 2)), nn.ReLU()
        self.fc = nn.Linear(6, 4)

    def forward(self, x):
        x = self.pool(self.bn1(self.relu1(self.conv1(x))))
        return self.fc(self.relu2(self.conv2(x)).mean(dim=(2, 3, 4)))


class PerPixel(nn.Module):
    """A small U-Net of three classes: one halving, one skip."""

    shape, occluded = (3, 12, 8, 2), (4, 4)

    def __init__(self):
        super().__init__()
        self.conv1, self.relu1, self.pool = nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)
        self.conv2, self.relu2 = nn.Conv2d(4, 6, 3, padding=1), nn.ReLU()
        self.up = nn.ConvTranspose2d(6, 4, 2, 2)
        self.conv3, self.relu3 = nn.Conv2d(8, 5, 3, padding=1), nn.ReLU()
        self.logits = nn.Conv2d(5, 3, 1)

    def pixels(self, x):
        skip = self.relu1(self.conv1(x))
        x = self.up(self.relu2(self.conv2(self.pool(skip))))
        return self.logits(self.relu3(self.conv3(torch.cat([skip, x], dim=1))))

    def forward(self, x, regions):
        logits = self.pixels(x)
        return (logits * regions[:, None]).sum(dim=(2, 3)) / regions.sum(dim=(1, 2))[:, None]


class Beside(nn.Module):
    """An image and three numbers, joined before the last layers."""

    shape, occluded, numbers = (3, 9, 12, 1), (3, 4), 3

    def __init__(self):
        super().__init__()
        self.conv1, self.relu1 = nn.Conv2d(1, 5, 3), nn.ReLU()
        self.conv2, self.relu2 = nn.Conv2d(5, 6, 3), nn.ReLU()
        self.fc1, self.relu3 = nn.Linear(9, 7), nn.ReLU()
        self.fc2 = nn.Linear(7, 3)

    def forward(self, x, numbers):
        x = self.relu2(self.conv2(self.relu1(self.conv1(x)))).mean(dim=(2, 3))
        return self.fc2(self.relu3(self.fc1(torch.cat([x, numbers], dim=1))))


class Residual(nn.Module):
    """Two residual sums, the second of three branches, a concatenation, a pool of three in steps of two."""

    shape = (2, 15, 12, 2)

    def __init__(self):
        super().__init__()
        self.conv1, self.relu1, self.pool = nn.Conv2d(2, 5, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2)
        self.conv2, self.bn2, self.relu2 = nn.Conv2d(5, 5, 3, padding=1), nn.BatchNorm2d(5, eps=1e-3), nn.ReLU()
        self.conv3, self.bn3, self.relu3 = nn.Conv2d(5, 5, 3, padding=1), nn.BatchNorm2d(5, eps=1e-3), nn.ReLU()
        self.conv4, self.relu4 = nn.Conv2d(5, 5, 1), nn.ReLU()
        self.conv5, self.relu5 = nn.Conv2d(5, 3, 3, padding=1), nn.ReLU()
        self.conv6, self.relu6 = nn.Conv2d(8, 6, 3), nn.ReLU()

    def forward(self, x):
        x = first = self.pool(self.relu1(self.conv1(x)))
        x = self.bn3(self.conv3(self.relu2(self.bn2(self.conv2(x)))))
        x = self.relu3(x + first)
        x = self.relu4(self.conv4(x)) + x + first
        return self.relu6(self.conv6(torch.cat([self.relu5(self.conv5(x)), x], dim=1)))


class Strength(nn.Module):
    """Half the sum of squares of each map: its gradient by a map is the map itself, alone."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net(x).square().sum(dim=(2, 3)) / 2


def fill(net, rng):
    """Random weights, rounded to float32; some of the normalisations' scales are negative."""
    for layer in net.modules():
        for name, tensor in [*layer._parameters.items(), *layer._buffers.items()]:
            if name == "num_batches_tracked":
                continue
            if name == "weight" and tensor.ndim > 1:
                values = rng.normal(0, np.sqrt(2 / tensor[0].numel()), tensor.shape)
            elif name == "weight":
                values = rng.normal(0.5, 0.7, tensor.shape)
            elif name == "running_var":
                values = rng.uniform(0.3, 2, tensor.shape)
            else:
                values = rng.normal(0.1, 0.3, tensor.shape)
            tensor.data = torch.from_numpy(values.astype(np.float32).astype(np.float64))


def in_keras_order(name, layer):
    """{<layer>/<weight>: array} of one layer."""
    found = {}
    if isinstance(layer, nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d):
        places = tuple(range(2, layer.weight.ndim))
        found = {"kernel": layer.weight.permute(*places, 1, 0), "bias": layer.bias}
    elif isinstance(layer, nn.Linear):
        found = {"kernel": layer.weight.T, "bias": layer.bias}
    elif isinstance(layer, nn.BatchNorm2d | nn.BatchNorm3d):
        found = {"gamma": layer.weight, "beta": layer.bias}
        found |= {"moving_mean": layer.running_mean, "moving_variance": layer.running_var}
    return {f"{name}/{key}": value.detach().numpy().astype(np.float32) for key, value in found.items()}


def channels_last(maps):
    return np.moveaxis(maps.detach().numpy(), 1, -1)


def class_maps(build, net, images, rng):
    """What captum says of a class's score; what goes with the image is held still."""
    x = torch.from_numpy(np.moveaxis(images, -1, 1).astype(np.float64))
    found, beside = {}, ()
    if build is PerPixel:
        found["regions"] = np.zeros(images.shape[:3], bool)
        for number, region in enumerate(found["regions"]):
            region[2 + number : 9, 1 : 5 + number] = True
        beside = (torch.from_numpy(found["regions"].astype(np.float64)),)
    if build is Beside:
        found["numbers"] = rng.normal(0, 1, (len(images), build.numbers)).astype(np.float32)
        beside = (torch.from_numpy(found["numbers"].astype(np.float64)),)
    count = net(x, *beside).shape[1]
    classes = torch.from_numpy(rng.permutation(max(count, len(images)))[: len(images)] % count)
    options = {"target": classes, "additional_forward_args": beside or None}
    found["classes"] = classes.numpy().astype(np.int32)
    found["gradient"] = channels_last(Saliency(net).attribute(x.clone().requires_grad_(), abs=False, **options))
    for key, way in {"guided": GuidedBackprop(net), "deconvnet": Deconvolution(net)}.items():
        found[key] = channels_last(way.attribute(x.clone().requires_grad_(), **options))
    maps = LayerGradCam(net, net.relu2).attribute(x, relu_attributions=True, **options)
    found["gradcam"] = maps[:, 0].detach().numpy()
    window = (x.shape[1], *build.occluded)
    step = tuple(max(1, side // 2) for side in build.occluded)
    even = all((size - side) % one == 0 for size, side, one in zip(x.shape[2:], build.occluded, step, strict=True))
    assert even, "captum's last window would not touch the border as ours does"
    drops = Occlusion(net).attribute(x, sliding_window_shapes=window, strides=(x.shape[1], *step), **options)
    found["occlusion"] = drops[:, 0].detach().numpy()
    if build is Beside:
        numbers = beside[0].clone().requires_grad_()
        net(x, numbers).gather(1, classes[:, None]).sum().backward()
        found["gradient of numbers"] = numbers.grad.numpy()
    return found


def projections(net, images):
    """The strongest maps, each projected back alone."""
    x = torch.from_numpy(np.moveaxis(images, -1, 1).astype(np.float64))
    peaks = net(x).amax(dim=(2, 3))
    indices = torch.argsort(peaks, dim=1, descending=True)[:, :TOP]
    way = Deconvolution(Strength(net))
    maps = [channels_last(way.attribute(x.clone().requires_grad_(), target=indices[:, n])) for n in range(TOP)]
    return {"indices": indices.numpy(), "maps": np.stack(maps, axis=1)}


def main():
    warnings.filterwarnings("ignore", "Setting backward hooks")
    arrays = {}
    for name, build, seed in (
        ("volume", Volume, 3),
        ("pixels", PerPixel, 5),
        ("beside", Beside, 7),
        ("sum", Residual, 17),
    ):
        rng = np.random.default_rng(seed)
        net = build().double().eval()
        fill(net, rng)
        images = rng.normal(0.3, 1, build.shape).astype(np.float32)
        found = projections(net, images) if build is Residual else class_maps(build, net, images, rng)
        for key, values in found.items():
            if values.dtype == np.float64:
                peaks = np.abs(values).reshape(len(images), -1).max(axis=1)
                assert peaks.min() > 0.05 * peaks.max(), f"{name}: {key} is nearly empty"
                found[key] = values.astype(np.float32)
        for layer, part in net.named_children():
            found |= in_keras_order(layer, part)
        arrays |= {f"{name}/{key}": value for key, value in {"images": images, **found}.items()}
    np.savez_compressed(Path(__file__).with_name("kinds_golden.npz"), **arrays)


if __name__ == "__main__":
    main()
