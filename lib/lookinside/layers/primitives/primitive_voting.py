"""Primitive voting: each primitive says where the centre lies as seen from it (Liu et al. 2019, Eq. 2)."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import keras
from keras import ops

from lookinside.layers.primitives.dense_voting import voting_cells, voting_matrix

# softplus of it is 0.1: D starts nearly flat, so the vote starts with its peak near the middle of the crop.
_START = -2.25


@keras.saving.register_keras_serializable("lookinside")
class PrimitiveVoting(keras.layers.Layer):
    """The vote of K primitives for the centre of a structure.

    Each response is spread by the primitive's spatial template D_k, which says where the centre lies as seen from the
    primitive: D_k[c + d], with c the middle cell, is what a response at cell j adds at cell j + d.

        Phi = 1 / K sum_k Rs_k * D_k

    The star is a true convolution, as SciPy's `convolve2d(..., mode="same")`; Keras' Conv2D correlates. D is positive,
    by a softplus, and starts nearly flat. Sizes are odd: with an even one the template has no middle cell, and to
    convolve with the flipped template, as Eq. 3 does, would not be the vote's adjoint.

    It is computed as one product with a matrix made of D, (M * N, M * N * K): several times as fast as a convolution
    with templates of this size, and 26 MB for 15 x 15 cells and 128 primitives. The memory grows with the square of
    the map: this is a layer for crops, not for images.

    Args:
        size: rows and columns of a template, odd. A template of the map's own size (M, N), as in the paper, moves a
            vote by at most (M - 1) / 2 cells.

    Input shape: (B, M, N, K), responses from `PrimitiveDetection`, M, N and K known.

    Output shape: (B, M, N), the vote Phi.

    Raises:
        ValueError: for sizes that are not odd, or an input whose M, N or K is not known.

    Source: Liu, Wan & He 2019, section 2.2 and Eq. 2.
    """

    def __init__(self, size: Sequence[int] = (15, 15), **kwargs: Any):
        super().__init__(**kwargs)
        self.size = _odd_sizes(size)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        if len(input_shape) != 4 or None in input_shape[1:]:
            raise ValueError(f"The input has shape {tuple(input_shape)}: (B, M, N, K) with known M, N, K is needed.")
        self._cells = voting_cells(tuple(input_shape[1:3]), self.size)
        start = keras.initializers.RandomNormal(_START, 0.1)
        self.before_softplus = self.add_weight((*self.size, input_shape[3]), start, name="before_softplus")

    @property
    def templates(self) -> keras.KerasTensor:
        """D, the spatial templates, (T, S, K), above 0; known when the layer is built."""
        if not self.built:
            raise ValueError(f"{self.name} has no templates yet: call it on responses first.")
        return ops.softplus(ops.convert_to_tensor(self.before_softplus))

    def call(self, responses: keras.KerasTensor) -> keras.KerasTensor:
        rows, columns, primitives = responses.shape[1:]
        matrix = ops.reshape(voting_matrix(self.templates, self._cells), (rows * columns, -1))
        flat = ops.reshape(responses, (-1, rows * columns * primitives))
        return ops.reshape(ops.einsum("bj,ij->bi", flat, matrix), (-1, rows, columns)) / primitives

    def votes(self, responses: keras.KerasTensor) -> keras.KerasTensor:
        """Phi_k, the vote of each primitive alone, (B, M, N, K); its mean over K is what a call returns.

        Args:
            responses: (B, M, N, K), as for a call.
        """
        shape = (-1, *responses.shape[1:])
        flat = ops.reshape(responses, (-1, shape[1] * shape[2], shape[3]))
        return ops.reshape(ops.einsum("bjk,ijk->bik", flat, voting_matrix(self.templates, self._cells)), shape)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape[:-1]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size}


def _odd_sizes(size):
    sizes = tuple(size) if isinstance(size, Sequence) else ()
    if len(sizes) != 2 or any(not isinstance(n, Integral) or isinstance(n, bool) or n < 1 or n % 2 == 0 for n in sizes):
        raise ValueError(f"size is {size!r}: give the rows and columns of a template, two odd numbers.")
    return int(sizes[0]), int(sizes[1])
