"""The deconvnet once more, in float64 NumPy with plain loops over pixels: slow, short, and nobody's code but its own.

A network is a list of layers, each a tuple:
    ("conv", kernel (kh, kw, in, out), bias (out,), stride, padding, dilation)
    ("depthwise", kernel (kh, kw, in, 1), bias (in,), stride, padding, dilation)
    ("bn", scale (C,), shift (C,))   ("relu",)   ("pool", size, stride, padding)
    ("pad", ((top, bottom), (left, right)))
Padding is "same" or "valid" as Keras means them. Images are (H, W, C), one at a time.
"""

import numpy as np


def same_margin(side, size, stride):
    """Rows that 'same' padding adds in front; the output has ceil(side / stride) rows."""
    outputs = -(-side // stride)
    return max((outputs - 1) * stride + size - side, 0) // 2


def windows(shape, size, stride, padding, dilation=1):
    """For each output pixel: its place and the input pixels under its window, as (place, [(tap, pixel), ...])."""
    reach = [(s - 1) * dilation + 1 for s in size]
    before, outputs = [], []
    for side, span, step in zip(shape[:2], reach, stride, strict=True):
        before.append(same_margin(side, span, step) if padding == "same" else 0)
        outputs.append(-(-side // step) if padding == "same" else (side - span) // step + 1)
    for row in range(outputs[0]):
        for column in range(outputs[1]):
            taps = []
            for i in range(size[0]):
                for j in range(size[1]):
                    y = row * stride[0] - before[0] + i * dilation
                    x = column * stride[1] - before[1] + j * dilation
                    if 0 <= y < shape[0] and 0 <= x < shape[1]:
                        taps.append(((i, j), (y, x)))
            yield (row, column), taps


def output_size(places):
    return tuple(np.array(places).max(axis=0) + 1)


def convolve(image, kernel, bias, stride, padding, dilation, depthwise=False):
    found = list(windows(image.shape, kernel.shape[:2], stride, padding, dilation))
    maps = kernel.shape[2] if depthwise else kernel.shape[3]
    out = np.zeros((*output_size([place for place, _ in found]), maps))
    for place, taps in found:
        for tap, pixel in taps:
            out[place] += image[pixel] * kernel[tap][:, 0] if depthwise else image[pixel] @ kernel[tap]
    return out + bias


def convolve_back(signal, shape, kernel, stride, padding, dilation, depthwise=False):
    out = np.zeros(shape)
    for place, taps in windows(shape, kernel.shape[:2], stride, padding, dilation):
        for tap, pixel in taps:
            out[pixel] += signal[place] * kernel[tap][:, 0] if depthwise else kernel[tap] @ signal[place]
    return out


def pool(image, size, stride, padding):
    """Largest value of each window and its pixel; of equal values the first in reading order."""
    found = list(windows(image.shape, size, stride, padding))
    rows, columns = output_size([place for place, _ in found])
    out, switches = np.zeros((rows, columns, image.shape[2])), {}
    for place, taps in found:
        for channel in range(image.shape[2]):
            best = taps[0][1]
            for _, pixel in taps[1:]:
                if image[pixel][channel] > image[best][channel]:
                    best = pixel
            out[place][channel], switches[(*place, channel)] = image[best][channel], best
    return out, switches


def unpool(signal, shape, switches):
    """Each value to its switch; values that share one add up."""
    out = np.zeros(shape)
    for (row, column, channel), pixel in switches.items():
        out[pixel][channel] += signal[row, column, channel]
    return out


def pad(image, padding):
    return np.pad(image, (*padding, (0, 0)))


def forward(layers, image):
    """The last maps (h, w, K), and for each layer the shape that it read and its switches."""
    x, memory = image.astype(np.float64), []
    for kind, *settings in layers:
        shape, switches = x.shape, None
        if kind in ("conv", "depthwise"):
            x = convolve(x, *settings, depthwise=kind == "depthwise")
        elif kind == "bn":
            x = x * settings[0] + settings[1]
        elif kind == "relu":
            x = np.maximum(x, 0)
        elif kind == "pool":
            x, switches = pool(x, *settings)
        else:
            x = pad(x, settings[0])
        memory.append((shape, switches))
    return x, memory


def backward(layers, signal, memory):
    """A signal in the last maps back to the image (H, W, C)."""
    for (kind, *settings), (shape, switches) in zip(reversed(layers), reversed(memory), strict=True):
        if kind in ("conv", "depthwise"):
            kernel, _, stride, padding, dilation = settings
            signal = convolve_back(signal, shape, kernel, stride, padding, dilation, depthwise=kind == "depthwise")
        elif kind == "bn":
            signal = signal * settings[0]
        elif kind == "relu":
            signal = np.maximum(signal, 0)
        elif kind == "pool":
            signal = unpool(signal, shape, switches)
        else:
            (top, _), (left, _) = settings[0]
            signal = signal[top : top + shape[0], left : left + shape[1]]
    return signal


def deconvnet(layers, image, top_n):
    """Numbers of the strongest maps, and their projections (n, H, W, C), each map alone."""
    maps, memory = forward(layers, image)
    peaks = maps.max(axis=(0, 1))
    indices = np.argsort(-peaks, kind="stable")[:top_n]
    projections = []
    for index in indices:
        alone = np.zeros_like(maps)
        alone[..., index] = maps[..., index]
        projections.append(backward(layers, alone, memory))
    return indices, np.stack(projections)
