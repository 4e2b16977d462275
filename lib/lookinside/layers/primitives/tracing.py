"""From a vote back to the primitives that cast it (Liu et al. 2019, Eq. 3)."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
from keras import ops

from lookinside.layers.primitives.dense_voting import voting_cells, voting_matrix

_LEAST = 1e-12


class TraceBack(NamedTuple):
    """What a vote says about its primitives.

    Attributes:
        responses: Rc, (B, M, N, K), the responses as they are rebuilt from the vote.
        alpha: (B, K), from 0 to 1, how well Rs and Rc match.
    """

    responses: keras.KerasTensor
    alpha: keras.KerasTensor


def trace_back(responses: Any, phi: Any, templates: Any) -> TraceBack:
    """Which primitives contribute to a vote: rebuild their responses from it, and compare.

        Rc_k = Phi * flipped D_k
        alpha_k = (sum Rs_k B_k + sum Rc_k B_k) / (sum Rs_k + sum Rc_k),    B_k = 1 where Rs_k > 0 and Rc_k > 0

    To convolve with the flipped template is to correlate with the template: it is the adjoint of the vote (times K, for
    the vote is a mean). With templates that are positive everywhere Rc_k is positive too, and has far more mass than
    Rs_k: then alpha measures above all how large the area of Rs_k > 0 is. `votes_at` ranks primitives by what they did
    to the result.

    Args:
        responses: Rs, (B, M, N, K), from `PrimitiveDetection`.
        phi: the vote, (B, M, N), from `PrimitiveVoting`.
        templates: D, (T, S, K), T and S odd: `PrimitiveVoting.templates`.

    Returns:
        Rc and alpha. alpha is 0 where Rs and Rc are both empty, and in [0, 1] where nothing is negative.

    Raises:
        ValueError: for shapes that do not belong together.

    Source: Liu, Wan & He 2019, Eq. 3.
    """
    responses, templates = _tensors(responses, templates)
    shape = tuple(responses.shape)
    phi = ops.convert_to_tensor(phi, dtype=responses.dtype)
    if len(phi.shape) != 3 or tuple(phi.shape[1:]) != shape[1:3]:
        raise ValueError(f"phi has shape {tuple(phi.shape)} for responses {shape}: (B, M, N) is needed.")
    matrix = voting_matrix(templates, voting_cells(shape[1:3], tuple(templates.shape[:2])))
    flat = ops.reshape(phi, (-1, shape[1] * shape[2]))
    rebuilt = ops.reshape(ops.matmul(flat, ops.reshape(matrix, (shape[1] * shape[2], -1))), (-1, *shape[1:]))
    both = responses + rebuilt
    matched = ops.where(ops.logical_and(responses > 0, rebuilt > 0), both, ops.zeros_like(both))
    return TraceBack(rebuilt, ops.sum(matched, (1, 2)) / ops.maximum(ops.sum(both, (1, 2)), _LEAST))


def votes_at(responses: Any, templates: Any, positions: Any) -> keras.KerasTensor:
    """What each primitive votes for one cell of each map; the mean over primitives is the vote Phi there.

    Args:
        responses: Rs, (B, M, N, K), from `PrimitiveDetection`.
        templates: D, (T, S, K), T and S odd: `PrimitiveVoting.templates`.
        positions: (B, 2), x and y in cells, from `SoftArgmax2D`; the nearest cell is taken.

    Returns:
        (B, K).

    Raises:
        ValueError: for shapes that do not belong together.
    """
    responses, templates = _tensors(responses, templates)
    rows, columns, primitives = responses.shape[1:]
    positions = ops.convert_to_tensor(positions)
    if len(positions.shape) != 2 or positions.shape[1] != 2:
        raise ValueError(f"positions have shape {tuple(positions.shape)}: (B, 2), x and y in cells, is needed.")
    x, y = ops.unstack(ops.cast(ops.round(positions), "int32"), 2, axis=1)
    cell = ops.clip(y, 0, rows - 1) * columns + ops.clip(x, 0, columns - 1)
    cells = voting_cells((rows, columns), tuple(templates.shape[:2]))
    matrix = voting_matrix(templates, ops.take(cells, cell, axis=0))
    return ops.sum(ops.reshape(responses, (-1, rows * columns, primitives)) * matrix, axis=1)


def strongest_primitives(scores: Any, count: int = 8) -> keras.KerasTensor:
    """The numbers of the primitives with the largest scores, (B, count), the largest first.

    Args:
        scores: (B, K), from `votes_at`, or the alpha of `trace_back`.
        count: from 1 to K.
    """
    return ops.top_k(ops.convert_to_tensor(scores), count)[1]


def _tensors(responses, templates):
    responses = ops.convert_to_tensor(responses)
    templates = ops.convert_to_tensor(templates, dtype=responses.dtype)
    shape, size = tuple(responses.shape), tuple(templates.shape)
    if len(shape) != 4 or len(size) != 3 or shape[3] != size[2]:
        raise ValueError(f"responses {shape} and templates {size}: (B, M, N, K) and (T, S, K) of one K are needed.")
    if size[0] % 2 == 0 or size[1] % 2 == 0:
        raise ValueError(f"templates have {size[0]} x {size[1]} cells: only odd sizes have a middle cell.")
    return responses, templates
