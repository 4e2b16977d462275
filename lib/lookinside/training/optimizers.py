"""Adam with other rates for some variables, and with rates that fall while a game goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from lookinside.errors import LookInsideError
from lookinside.explain.calls.arguments import is_number, is_whole


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


def falling_adams(
    steps: int, *, generator: float = 0.002, discriminator: float = 0.0002, generator_steps: int = 2
) -> tuple[keras.optimizers.Adam, keras.optimizers.Adam]:
    """Two optimizers for a short game: rates that fall to 0 by a cosine, so that it ends where it stands.

    With them, and 1,500 steps, the recorded games of chapter 6 were played.

    Args:
        steps: of the game, as for `fit_patho_gan`.
        generator, discriminator: their first rates, above 0.
        generator_steps: how often the generator moves in a step, as for `PathoGAN`.

    Returns:
        The generator's and the discriminator's Adam with a beta_1 of 0.5, for `PathoGAN.compile`.

    Raises:
        LookInsideError: for a number out of its range.

    Source: the cosine, Loshchilov & Hutter 2017; beta_1, Radford et al. 2016.
    """
    for name, value in (("steps", steps), ("generator_steps", generator_steps)):
        if not is_whole(value):
            raise LookInsideError(f"{name} is {value!r:.60}: give a whole number, 1 or more.")
    for name, value in (("generator", generator), ("discriminator", discriminator)):
        if not is_number(value) or not value:
            raise LookInsideError(f"{name} is {value!r:.60}: give a rate above 0, 0.002 say.")
    falling = keras.optimizers.schedules.CosineDecay
    rates = falling(generator, generator_steps * steps), falling(discriminator, steps)
    return tuple(keras.optimizers.Adam(rate, beta_1=0.5) for rate in rates)
