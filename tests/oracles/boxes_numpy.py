"""Anchors, box coding and suppression in float64 NumPy, box by box: slow, short, and nobody's code but its own.

A box is x_min, y_min, x_max, y_max.
"""

import numpy as np


def anchors(rows, columns, sizes, stride, rows_per_cell):
    found = []
    for row in range(rows):
        for column in range(columns):
            for part in range(rows_per_cell):
                for width, height in sizes:
                    x = column * stride + stride / 2
                    y = row * stride + stride * (2 * part + 1) / (2 * rows_per_cell)
                    found.append([x - width / 2, y - height / 2, x + width / 2, y + height / 2])
    return np.array(found)


def encode(box, reference):
    x, y, w, h = centred(box)
    x_r, y_r, w_r, h_r = centred(reference)
    return np.array([(x - x_r) / w_r, (y - y_r) / h_r, np.log(w / w_r), np.log(h / h_r)])


def decode(delta, reference, most):
    x_r, y_r, w_r, h_r = centred(reference)
    x, y = x_r + delta[0] * w_r, y_r + delta[1] * h_r
    w, h = (side * np.exp(min(grown, most)) for side, grown in zip((w_r, h_r), delta[2:], strict=True))
    return np.array([x - w / 2, y - h / 2, x + w / 2, y + h / 2])


def centred(box):
    x_min, y_min, x_max, y_max = np.asarray(box, np.float64)
    return (x_min + x_max) / 2, (y_min + y_max) / 2, x_max - x_min, y_max - y_min


def overlap(one, other):
    """Intersection over union."""
    width = max(min(one[2], other[2]) - max(one[0], other[0]), 0)
    height = max(min(one[3], other[3]) - max(one[1], other[1]), 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return width * height / (sum(areas) - width * height)


def suppress(boxes, scores, count, most, least=-np.inf, classes=None):
    """The numbers of the boxes that are kept."""
    classes = np.zeros(len(boxes)) if classes is None else classes
    kept = []
    for index in sorted(range(len(boxes)), key=lambda i: -scores[i]):
        rivals = [other for other in kept if classes[other] == classes[index]]
        if scores[index] > least and all(overlap(boxes[index], boxes[other]) <= most for other in rivals):
            kept.append(index)
    return kept[:count]
