"""The convolution of a vote as one matrix product: which cell of a template lies between two cells of a map."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops


def voting_cells(size: tuple[int, int], template: tuple[int, int]) -> np.ndarray:
    """Which cell of a template takes a response at cell j to a vote at cell i.

    It is the cell at (i - j) from the template's middle. Counting i - j, not j - i, makes the sum over j a true
    convolution.

    Args:
        size: (M, N) of the map.
        template: (T, S) of the template, both odd.

    Returns:
        (M * N, M * N), int32: for i and j the number of the cell in reading order; T * S where it lies outside.
    """
    rows, columns = (
        np.arange(cells)[:, None] - np.arange(cells) + length // 2 for cells, length in zip(size, template, strict=True)
    )
    down, right = rows[:, None, :, None], columns[None, :, None, :]
    inside = (down >= 0) & (down < template[0]) & (right >= 0) & (right < template[1])
    numbers = np.where(inside, down * template[1] + right, template[0] * template[1])
    return numbers.reshape(size[0] * size[1], -1).astype("int32")


def voting_matrix(templates: keras.KerasTensor, cells: keras.KerasTensor) -> keras.KerasTensor:
    """What a response of 1 at cell j adds to a primitive's vote at cell i.

    Args:
        templates: (T, S, K), the spatial templates D.
        cells: (I, J), rows of `voting_cells`.

    Returns:
        (I, J, K).
    """
    flat = ops.reshape(templates, (-1, templates.shape[-1]))
    # One row of zeros for what lies outside of the template.
    return ops.take(ops.pad(flat, ((0, 1), (0, 0))), cells, axis=0)
