"""RoIAlign by its definition, aligned, sample by sample in float64."""

import numpy as np


def roi_align(maps, boxes, size, sampling=2, scale=1.0):
    """Maps (N, H, W, C), boxes (N, R, 4) as (x_min, y_min, x_max, y_max): (N, R, rows, columns, C)."""
    maps, boxes = np.asarray(maps, np.float64), np.asarray(boxes, np.float64)
    found = np.zeros((*boxes.shape[:2], *size, maps.shape[-1]))
    for image, region, row, column in np.ndindex(found.shape[:-1]):
        left, top, right, bottom = boxes[image, region] * scale
        high, wide = (bottom - top) / size[0], (right - left) / size[1]
        for down, along in np.ndindex(sampling, sampling):
            y = top - 0.5 + high * (row + (down + 0.5) / sampling)
            x = left - 0.5 + wide * (column + (along + 0.5) / sampling)
            found[image, region, row, column] += sample(maps[image], y, x) / sampling**2
    return found


def sample(pixels, y, x):
    """What is seen at (y, x), (0, 0) the centre of the first pixel: the channels (C,)."""
    height, width = pixels.shape[:2]
    if not (-1 <= y <= height and -1 <= x <= width):
        return np.zeros(pixels.shape[-1])
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    above, before = int(y), int(x)
    below, behind = min(above + 1, height - 1), min(before + 1, width - 1)
    v, u = y - above, x - before
    upper = (1 - u) * pixels[above, before] + u * pixels[above, behind]
    lower = (1 - u) * pixels[below, before] + u * pixels[below, behind]
    return (1 - v) * upper + v * lower
