"""PathoGAN: two networks that play against each other, and a frozen third one that looks for the disease."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from lookinside.errors import LookInsideError
from lookinside.models.building import rows_of_the_batch
from lookinside.models.patho_gan import check_pair
from lookinside.training.synthesis.game_parts import (
    check_numbers,
    check_options,
    check_whole,
    checked_mask,
    ready_optimizer,
)
from lookinside.training.synthesis.patho_distance import distance_of_maps, explainer_of, maps_and_weights

_COLUMNS = ("generator_loss", "discriminator_loss", "patho_loss", "score_of_real", "score_of_drawn")


class PathoGAN(keras.Model):
    """Generator, discriminator and frozen classifier of Wang et al. 2019, section 4.2, trained by one graph a batch.

    A step takes vessels y and the photograph x that they belong to. The generator G moves `generator_steps` times, each
    time with new noise z, then the discriminator D (a logit) moves once:

        L_G = mean softplus(-D(G(y, z), y)) + trade_off * L_patho
        L_D = mean softplus(-D(x, y)) + mean softplus(D(G(y, z), y))

    L_patho (Eq. 6) is the mean over pixels of |V(x) - V(G(y, z))| / max |V(x)|, V being a pathology-aware map of the
    classifier. Which feature maps are in the set, and what each weighs, is told by the photograph x and held constant,
    so the generator cannot choose what it is judged by. The classifier runs as in inference and is never changed.

        gan = PathoGAN(patho_generator(shape), patho_discriminator(shape), classifier, which="low")
        fit_patho_gan(gan, train, steps=1000)
        photographs = gan.draw(train.masks["vessels"])

    `compile(jit_compile=True)` has XLA compile the whole step. Networks in half precision work, their losses and the
    classifier are computed in float32; a network in float16 has its optimizer wrapped in a `LossScaleOptimizer`. Under
    a `tf.distribute` strategy make it, and compile it, in the strategy's scope: losses are means over the whole batch,
    which the devices share evenly. Save `gan.generator`, which draws; `gan.save_weights` keeps both networks' weights.

    Args:
        generator, discriminator: see `lookinside.models.patho_generator` and `patho_discriminator`.
        classifier: takes photographs as G makes them, (N, H, W, C) in [0, 1]; see `Explainer` for which models will do.
            None is the plain GAN, without L_patho.
        which: the set whose map is compared, "low" or "high", or "both" for the mean of the two losses.
        trade_off: lambda of Eq. 5; the paper's is 1000.
        noise_std: standard deviation of the noise code; the paper's is 0.01.
        generator_steps: how often G moves for one move of D; the paper's is 2.
        class_index: the class whose evidence counts.
        pixel_weight: of a rival to L_patho, the mean absolute difference of the pixels themselves; 0 leaves it out.
        seed: of the noise in a `fit` of your own; `fit_patho_gan` has its own seed.
        maps: further arguments of `PathologyAware`, such as {"cmi": "gyration"}.

    Raises:
        LookInsideError: for networks that do not fit together, or an option out of its range.

    Source: Wang et al. 2019, Eqs. 5 and 6. Losses that do not saturate, and a D that sees the vessels, are those of the
    authors' code; the unit of L_patho, without which a lambda of 1000 means nothing, and `pixel_weight` are ours.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        classifier: keras.Model | None = None,
        *,
        which: Literal["low", "high", "both"] = "low",
        trade_off: float = 1000.0,
        noise_std: float = 0.01,
        generator_steps: int = 2,
        class_index: int = 1,
        pixel_weight: float = 0.0,
        seed: int = 0,
        maps: Mapping[str, Any] | None = None,
        name: str = "patho_gan",
    ):
        super().__init__(name=name)
        numbers = {"trade_off": trade_off, "noise_std": noise_std, "pixel_weight": pixel_weight}
        check_options(which, generator_steps, class_index, numbers, maps, seed)
        check_pair(generator, discriminator)
        self.generator, self.discriminator = generator, discriminator
        self.which, self.class_index, self.generator_steps = which, int(class_index), int(generator_steps)
        self.trade_off, self.noise_std, self.pixel_weight = float(trade_off), float(noise_std), float(pixel_weight)
        self.noise_seed = keras.random.SeedGenerator(seed if seed is None else int(seed))
        self._maps = dict(maps or {})
        # Within explainer and function Keras does not track the classifier: it is no part of what is trained or saved.
        told = (tuple(generator.output.shape[1:]), class_index, self._maps)
        self._pathology = None if classifier is None else explainer_of(classifier, *told)
        self._judge = lambda: None if classifier is None else [classifier, classifier.get_weights()]
        self._means = [keras.metrics.Mean(name=column) for column in _COLUMNS]
        self.built = True

    def compile(
        self,
        generator_optimizer: keras.optimizers.Optimizer | str | None = None,
        discriminator_optimizer: keras.optimizers.Optimizer | str | None = None,
        *,
        jit_compile: bool = False,
    ) -> None:
        """Give each network its optimizer.

        Args:
            generator_optimizer, discriminator_optimizer: None is Adam with a rate of 0.0002 and a beta_1 of 0.5, with
                which a small network shows something after minutes. The paper's is `SGD(0.0002)`.
            jit_compile: compile the whole step with XLA, which draws other noise from the same seed.

        Raises:
            LookInsideError: for what is no optimizer, or one that has been used, by the other network say; for a
                network that is frozen.
        """
        first = ready_optimizer(generator_optimizer, self.generator)
        second = ready_optimizer(discriminator_optimizer, self.discriminator)  # not the same one: that is built by now
        super().compile(optimizer=first, jit_compile=jit_compile, auto_scale_loss=False)
        self.discriminator_optimizer = second

    def save(self, *arguments: Any, **options: Any) -> None:
        """Refused: the classifier is no part of it, and without one it could not go on.

        Raises:
            LookInsideError: always.
        """
        raise LookInsideError(
            "A PathoGAN is not saved whole: use gan.generator.save(...), which draws, or gan.save_weights(...)."
        )

    def evaluate(self, *arguments: Any, **options: Any) -> None:
        """Refused, and with it a `fit` with validation data: no loss of this game says how good a drawing is.

        Raises:
            LookInsideError: always.
        """
        raise LookInsideError(
            "A PathoGAN has no loss to evaluate: call fit without validation data, and look at gan.draw(...)."
        )

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Means over an epoch: the losses (L_patho without its weight), and D's share of "real" for both kinds."""
        return self._means

    def call(self, inputs: list, training: bool = False) -> tf.Tensor:
        """[vessels (N, H, W, 1), noise (N, Z)] -> photographs (N, H, W, C) in [0, 1]."""
        return self.generator(inputs, training=training)

    def noise(self, count: int | tf.Tensor) -> tf.Tensor:
        """Noise codes (count, Z), new with every call; of several devices each gets its rows of the whole batch."""
        size = self.generator.inputs[1].shape[1]
        return self.noise_std * rows_of_the_batch(self._codes, count, size)

    def _codes(self, shape):
        return keras.random.normal(shape, seed=self.noise_seed)

    def draw(
        self, vessels: np.ndarray, *, seed: int = 0, noise_std: float | None = None, batch_size: int = 32
    ) -> np.ndarray:
        """Photographs with these vessels.

        Args:
            vessels: bool or 0 and 1, (N, H, W) or (N, H, W, 1).
            seed: of the noise, 0 or more; the same seed gives the same photographs.
            noise_std: of the noise, 0 or more; None is that of the training.
            batch_size: how many are drawn at a time.

        Returns:
            float32 (N, H, W, C) in [0, 1].

        Raises:
            LookInsideError: for vessels of another shape, or that are no mask; a number out of its range.
        """
        vessels = checked_mask(vessels, self.generator.inputs[0].shape[1:])
        std = self.noise_std if noise_std is None else noise_std
        check_whole({"seed": seed}, 0)
        check_whole({"batch_size": batch_size}, 1)
        check_numbers({"noise_std": std})
        shape = (len(vessels), self.generator.inputs[1].shape[1])
        codes = std * np.random.default_rng(seed).standard_normal(shape, np.float32)
        if not len(vessels):
            return np.zeros((0, *self.generator.output.shape[1:]), "float32")
        return self.generator.predict([vessels, codes.astype("float32")], batch_size=batch_size, verbose=0)

    @property
    def optimizers(self) -> tuple[keras.optimizers.Optimizer, keras.optimizers.Optimizer]:
        """The generator's and the discriminator's optimizer."""
        return self.optimizer, self.discriminator_optimizer

    def told(self) -> dict[str, Any]:
        """What makes this game another one than that of the same two networks, for the key of a run."""
        names = ("which", "trade_off", "noise_std", "generator_steps", "class_index", "pixel_weight")
        return {name: getattr(self, name) for name in names} | {"judge": self._judge(), "maps": self._maps}

    def reference(self, photographs: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """What L_patho compares with: the map (N, S, H, W) of photographs, and the weights of their feature maps."""
        return maps_and_weights(self._pathology, photographs, self.which, self.class_index)

    def patho_loss(self, drawn: tf.Tensor, reference: tuple[tf.Tensor, list[tf.Tensor]]) -> tf.Tensor:
        """L_patho of each image, (N,); Eq. 6 in units of the largest value of the photograph's map.

        Args:
            drawn: float (N, H, W, C) in [0, 1].
            reference: of the N photographs that they are compared with, see `reference`.
        """
        return distance_of_maps(self._pathology, drawn, reference, self.which)

    def train_step(self, data: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        """One batch (vessels, photographs): G moves, then D. Returns the means of `metrics` so far."""
        vessels, photographs, _ = keras.utils.unpack_x_y_sample_weight(data)
        if photographs is None:
            raise LookInsideError("Batches hold no photographs: give pairs (vessels, photographs).")
        count = tf.shape(photographs)[0]
        reference = None if self._pathology is None else self.reference(photographs)
        for _ in range(self.generator_steps):
            adversarial, pathology = self._move_generator(vessels, photographs, self.noise(count), reference)
        drawn = self.generator([vessels, self.noise(count)], training=True)
        loss, real, fake = self._move_discriminator(vessels, photographs, drawn)
        values = adversarial, loss, pathology, tf.reduce_mean(tf.sigmoid(real)), tf.reduce_mean(tf.sigmoid(fake))
        for metric, value in zip(self._means, values, strict=True):
            metric.update_state(value)
        return {metric.name: metric.result() for metric in self._means}

    def _move_generator(self, vessels, photographs, noise, reference):
        def losses():
            drawn = self.generator([vessels, noise], training=True)
            adversarial = tf.reduce_mean(tf.nn.softplus(-self.discriminator([vessels, drawn], training=True)))
            pathology = 0.0 if reference is None else tf.reduce_mean(self.patho_loss(drawn, reference))
            pixels = tf.reduce_mean(tf.abs(drawn - photographs)) if self.pixel_weight else 0.0
            total = adversarial + self.trade_off * pathology + self.pixel_weight * pixels
            return total, (adversarial, pathology)

        return _move(self.generator, self.optimizer, losses)

    def _move_discriminator(self, vessels, photographs, drawn):
        def losses():
            real = self.discriminator([vessels, photographs], training=True)
            fake = self.discriminator([vessels, drawn], training=True)
            loss = tf.reduce_mean(tf.nn.softplus(-real)) + tf.reduce_mean(tf.nn.softplus(fake))
            return loss, (loss, real, fake)

        return _move(self.discriminator, self.discriminator_optimizer, losses)


def _move(model, optimizer, losses):
    """One step of one network, and of no other one: (total, rest) = losses(); returns the rest."""
    variables = model.trainable_variables
    values = [one.value for one in variables]
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(values)
        total, rest = losses()
        # The optimizer adds the replicas' gradients: each gives its share of the mean.
        total = optimizer.scale_loss(total / replicas)
    optimizer.apply_gradients(zip(tape.gradient(total, values), variables, strict=True))
    return rest
