"""A model's logits, for what judges a map or a network by what they lose."""

from __future__ import annotations

import numpy as np

from lookinside.explain.calls.target import Target
from lookinside.explain.explainer import ClassScores
from lookinside.explain.network.tracing import traced


class Logits(ClassScores):
    """A model's logits, image by image, in NumPy."""

    title = "part_importance"
    explained = (2, 3)
    needs_layers = False

    def __init__(self, model, **options):
        super().__init__(model, **options)
        self._traced_logits = traced(self._logits)

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """Of the input that is explained."""
        return self._input_shape

    def checked(self, images) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """The images, and the model's other inputs."""
        return self._inputs.checked(images)

    def logits(self, images, others) -> np.ndarray:
        """(N, H, W, C) and the other inputs of the same images -> float64 (N, columns)."""
        target = Target(np.zeros(len(images), np.int32), others)
        return self._chunk_by_chunk(self._traced_logits, images, target).astype(np.float64)

    def classes_of(self, logits, classes) -> np.ndarray:
        """int (N,): the given ones, checked, or the predicted ones."""
        classes = self._checked_classes(classes, len(logits))
        return np.where(classes < 0, self.predicted(logits), classes)

    def predicted(self, logits) -> np.ndarray:
        """(N, columns) -> int (N,)."""
        return self._both(logits).argmax(axis=1)

    def score(self, logits, classes) -> np.ndarray:
        """The class's logit, float64 (N,)."""
        if self._head.columns == 1:  # one logit speaks for the second class, its opposite for the first
            return logits[:, 0] * (2 * classes - 1)
        return np.take_along_axis(logits, classes[:, None], axis=1)[:, 0]

    def over_runner_up(self, logits, classes) -> np.ndarray:
        """The class's logit over the best of the others', float64 (N,); of one logit, the logit itself: log odds."""
        both = self._both(logits)
        others = both.copy()
        np.put_along_axis(others, classes[:, None], -np.inf, axis=1)
        return np.take_along_axis(both, classes[:, None], axis=1)[:, 0] - others.max(axis=1)

    def _both(self, logits):
        """One logit is the second class's over the first's."""
        return np.concatenate([np.zeros_like(logits), logits], axis=1) if self._head.columns == 1 else logits
