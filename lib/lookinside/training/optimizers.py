"""Adam with other rates for some variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras


@keras.saving.register_keras_serializable("lookinside")
class RatedAdam(keras.optimizers.Adam):
    """Adam with other rates for some variables.

    Args:
        faster: end of a variable's path -> how many times its rate is that of the rest.
        **options: as Adam takes them.
    """

    def __init__(self, *args: Any, faster: Mapping[str, float] | None = None, **options: Any):
        super().__init__(*args, **options)
        self.faster = dict(faster or {})

    def build(self, variables: Any) -> None:
        super().build(variables)
        self._factors = [self._factor(variable.path) for variable in variables]

    def _factor(self, path):
        return next((times for end, times in self.faster.items() if path.endswith(end)), 1.0)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        # The backend hands over its own variable, which knows no path: its place among all of them tells which it is.
        factor = self._factors[self._get_variable_index(variable)]
        super().update_step(gradient, variable, learning_rate * factor)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"faster": self.faster}
