"""Write explainers_golden.npz: gradients, guided ones, deconvnets, class activation maps of a class's logit, on torch.

By captum; Grad-CAM++ and LayerCAM by pytorch-grad-cam. Needs nothing of this project:

    python3.11 -m venv torchenv && torchenv/bin/pip install torch==2.13.0 captum==0.9.0 ttach opencv-python-headless
    torchenv/bin/pip install --no-deps grad-cam==1.5.5
    torchenv/bin/python tests/oracles/make_explainers_golden.py

Three networks with random weights, computed in float64. Arrays of the file: `<net>/images` (N, H, W, C),
`<net>/classes` (N,), `<net>/<layer>/<weight>` in Keras' order of axes, `<net>/logits` (N, classes),
`<net>/gradient`, `<net>/guided`, `<net>/deconvnet` (N, H, W, C), signed, and (N, h, w) `<net>/gradcam/<layer>`,
`<net>/gradcam++/<layer>` and `<net>/layercam/<layer>`.
"""

import sys
import warnings
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import torch
from captum.attr import Deconvolution, GuidedBackprop, LayerGradCam, Saliency
from torch import nn

sys.modules |= {name: MagicMock() for name in ("torchvision", "torchvision.transforms")}  # to load pictures only
from pytorch_grad_cam import GradCAMPlusPlus, LayerCAM  # noqa: E402


class Overlapping(nn.Module):
    """Pools of three in steps of two, once with and once without padding; global average pooling."""

    shape, cams = (3, 21, 17, 1), ("relu2", "relu3")  # 21 -> 11 -> 5, 17 -> 9 -> 4

    def __init__(self):
        super().__init__()
        self.conv1, self.relu1 = nn.Conv2d(1, 6, 3, padding=1), nn.ReLU()
        self.pool1 = nn.MaxPool2d(3, 2, padding=1)
        self.conv2, self.bn2, self.relu2 = nn.Conv2d(6, 8, 3, padding=1), norm(8), nn.ReLU()
        self.pool2 = nn.MaxPool2d(3, 2)
        self.conv3, self.relu3 = nn.Conv2d(8, 7, (2, 3)), nn.ReLU()
        self.fc = nn.Linear(7, 4)

    def forward(self, x):
        x = self.pool1(self.relu1(self.conv1(x)))
        x = self.pool2(self.relu2(self.bn2(self.conv2(x))))
        return self.fc(self.relu3(self.conv3(x)).mean(dim=(2, 3)))


class Colours(nn.Module):
    """Three channels, a stride, a dilation, groups, a pool in steps of one, rectified dense layers behind flat maps."""

    shape, cams = (3, 26, 19, 3), ("relu1", "relu2")

    def __init__(self):
        super().__init__()
        self.bn0 = norm(3)
        self.conv1, self.bn1, self.relu1 = nn.Conv2d(3, 8, 5, stride=2), norm(8), nn.ReLU()
        self.pool1 = nn.MaxPool2d((3, 2), 1)
        self.conv2, self.relu2 = nn.Conv2d(8, 6, 3, dilation=2, groups=2), nn.ReLU()
        self.pool2 = nn.MaxPool2d(2)
        self.fc1, self.bn3, self.relu3 = nn.Linear(12, 9), nn.BatchNorm1d(9, eps=1e-3), nn.ReLU()
        self.fc2 = nn.Linear(9, 5)

    def forward(self, x):
        x = self.pool1(self.relu1(self.bn1(self.conv1(self.bn0(x)))))
        x = self.pool2(self.relu2(self.conv2(x)))
        x = x.permute(0, 2, 3, 1).flatten(1)  # Keras' order
        return self.fc2(self.relu3(self.bn3(self.fc1(x))))


class Joined(nn.Module):
    """Paths that part and meet again: a sum that is rectified, a concatenation, an average pool."""

    shape, cams = (2, 15, 14, 1), ("relu1", "relu3", "relu4")

    def __init__(self):
        super().__init__()
        self.conv1, self.relu1 = nn.Conv2d(1, 5, 3, padding=1), nn.ReLU()
        self.conv2, self.bn2, self.relu2 = nn.Conv2d(5, 5, 3, padding=1), norm(5), nn.ReLU()
        self.conv3, self.relu3 = nn.Conv2d(5, 5, 3, padding=1), nn.ReLU()
        self.pool = nn.AvgPool2d(2)
        self.conv4, self.relu4 = nn.Conv2d(5, 4, 1), nn.ReLU()
        self.conv5, self.relu5 = nn.Conv2d(9, 6, 3), nn.ReLU()
        self.fc = nn.Linear(6, 3)

    def forward(self, x):
        x = self.relu1(self.conv1(x))
        x = self.relu3(self.conv3(self.relu2(self.bn2(self.conv2(x)))) + x)
        x = self.pool(x)
        x = torch.cat([self.relu4(self.conv4(x)), x], dim=1)
        return self.fc(self.relu5(self.conv5(x)).amax(dim=(2, 3)))


def norm(channels):
    """Batch normalisation with Keras' epsilon."""
    return nn.BatchNorm2d(channels, eps=1e-3)


def fill(net, rng):
    """Random weights, rounded to float32; some of the normalisations' scales are negative."""
    for layer in net.modules():
        for name, tensor in [*layer._parameters.items(), *layer._buffers.items()]:
            if name == "num_batches_tracked":
                continue
            if name == "weight" and tensor.ndim > 1:
                values = rng.normal(0, np.sqrt(2 / tensor[0].numel()), tensor.shape)
            elif name == "weight":
                values = rng.normal(0.3, 1, tensor.shape)
            elif name == "running_var":
                values = rng.uniform(0.3, 2, tensor.shape)
            else:
                values = rng.normal(0.1, 0.3, tensor.shape)
            tensor.data = torch.from_numpy(values.astype(np.float32).astype(np.float64))


def in_keras_order(name, layer):
    """{<layer>/<weight>: array} of one layer."""
    if isinstance(layer, nn.Conv2d):
        found = {"kernel": layer.weight.permute(2, 3, 1, 0), "bias": layer.bias}
    elif isinstance(layer, nn.Linear):
        found = {"kernel": layer.weight.T, "bias": layer.bias}
    elif isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
        found = {"gamma": layer.weight, "beta": layer.bias}
        found |= {"moving_mean": layer.running_mean, "moving_variance": layer.running_var}
    else:
        found = {}
    return {f"{name}/{key}": value.detach().numpy().astype(np.float32) for key, value in found.items()}


def watch_kinks(net):
    """Refuse what float32 may decide otherwise: a ReLU that reads nearly zero, a pool with two nearly equal maxima."""

    def relu(module, inputs, _):
        assert inputs[0].abs().min() > 4e-6, "a ReLU is nearly at its kink"

    def pool(module, inputs, _):
        pair = lambda v: v if isinstance(v, tuple) else (v, v)  # noqa: E731
        (high, wide), (down, right), (top, left) = map(pair, (module.kernel_size, module.stride, module.padding))
        padded = nn.functional.pad(inputs[0], (left, left, top, top), value=-1)
        windows = padded.unfold(2, high, down).unfold(3, wide, right).flatten(4)
        best, second = windows.topk(2, dim=-1).values.unbind(-1)
        assert ((best - second)[best > 0] > 1e-5).all(), "a pool nearly has two maxima"

    for layer in net.modules():
        if isinstance(layer, nn.ReLU | nn.MaxPool2d):
            layer.register_forward_hook(relu if isinstance(layer, nn.ReLU) else pool)


def maps_and_slopes(net, layer, x, classes):
    """The layer's maps and the gradient of the classes' logits by them, (N, K, h, w) each."""
    kept = []
    hook = getattr(net, layer).register_forward_hook(lambda module, inputs, output: kept.append(output))
    scores = net(x).gather(1, classes[:, None]).sum()
    hook.remove()
    return kept[0].detach().numpy(), torch.autograd.grad(scores, kept[0])[0].numpy()


def explained(build, seed):
    """All arrays of one network."""
    rng = np.random.default_rng(seed)
    net = build().double().eval()
    fill(net, rng)
    images = rng.normal(0.3, 1, build.shape).astype(np.float32)
    x = torch.from_numpy(images.astype(np.float64)).permute(0, 3, 1, 2).requires_grad_()
    watching = build().double().eval()
    watching.load_state_dict(net.state_dict())
    watch_kinks(watching)
    watching(x)
    logits = net(x).detach()
    classes = torch.from_numpy(rng.permutation(logits.shape[1])[: len(images)])  # mostly not the predicted ones
    found = {"images": images, "classes": classes.numpy().astype(np.int32), "logits": logits.numpy().astype(np.float32)}
    ways = {"gradient": Saliency(net), "guided": GuidedBackprop(net), "deconvnet": Deconvolution(net)}
    for key, way in ways.items():
        options = {"abs": False} if key == "gradient" else {}
        maps = way.attribute(x, target=classes, **options)
        found[key] = maps.permute(0, 2, 3, 1).detach().numpy()
    for layer in build.cams:
        maps = LayerGradCam(net, getattr(net, layer)).attribute(x, target=classes, relu_attributions=True)
        found[f"gradcam/{layer}"] = maps[:, 0].detach().numpy()
        maps, slopes = maps_and_slopes(net, layer, x, classes)
        # It adds 1e-6 below a line of squared slopes; its fraction stays the same when slopes grow as maps shrink.
        weights = GradCAMPlusPlus.get_cam_weights(None, x, [], classes, maps / 1e6, slopes * 1e6) / 1e6
        found[f"gradcam++/{layer}"] = np.maximum((weights[..., None, None] * maps).sum(axis=1), 0)
        found[f"layercam/{layer}"] = np.maximum(LayerCAM.get_cam_image(None, x, None, classes, maps, slopes, False), 0)
    for key in found:
        if key.startswith(("gradient", "guided", "deconvnet", "gradcam", "layercam")):
            peaks = np.abs(found[key]).reshape(len(images), -1).max(axis=1)
            assert peaks.min() > 0.1 * peaks.max(), f"{key} is nearly empty"  # each image counts when they are compared
            found[key] = found[key].astype(np.float32)
    assert np.abs(found["guided"] - found["gradient"]).max() > 0.1 * np.abs(found["gradient"]).max()
    for name, layer in net.named_children():
        found |= in_keras_order(name, layer)
    return found


def main():
    warnings.filterwarnings("ignore", "Setting backward hooks")
    arrays = {}
    for name, build, seed in (("overlapping", Overlapping, 6), ("colours", Colours, 0), ("joined", Joined, 11)):
        arrays |= {f"{name}/{key}": value for key, value in explained(build, seed).items()}
    np.savez_compressed(Path(__file__).with_name("explainers_golden.npz"), **arrays)


if __name__ == "__main__":
    main()
