"""A person: sizes, habitus and pose, from which every limb and organ follows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np


@dataclass(frozen=True)
class Pose:
    """Joint angles in degrees."""

    spread: float = 8.0
    finger_flexion: tuple[float, float, float, float] = (4.0, 4.0, 4.0, 4.0)
    thumb: float = 38.0
    wrist: float = 0.0
    elbow: float = 0.0
    ankle: float = 0.0
    knee: float = 0.0
    hip: float = 6.0
    arm: float = 12.0
    neck: float = 0.0


@dataclass(frozen=True)
class Person:
    """One random person.

    Attributes:
        seed: int; the details of each limb (lengths of single bones and so on) follow from it.
        scale: body size, 1 is an adult of average height.
        girth: soft tissue, 1 is average, 0.8 lean, 1.35 stout.
        bone: thickness of the bones, 1 is average.
        female: whether the pelvis is wide and breasts are there.
        pose: `Pose`.
    """

    seed: int
    scale: float = 1.0
    girth: float = 1.0
    bone: float = 1.0
    female: bool = False
    pose: Pose = field(default_factory=Pose)

    def details(self, region: str) -> np.random.Generator:
        """The random generator of one region's details: the same each time, whatever else is built."""
        return np.random.default_rng((self.seed, *region.encode()))

    def posed(self, **angles: float | tuple[float, ...]) -> Person:
        """The same person in another pose."""
        return replace(self, pose=replace(self.pose, **angles))


def random_pose(rng: np.random.Generator) -> Pose:
    """A pose as patients hold still in: rng -> `Pose`."""
    curl = rng.gamma(2.0, 4.0)
    return Pose(
        spread=float(rng.uniform(-2, 14)),
        finger_flexion=tuple(float(v) for v in curl * rng.uniform(0.4, 1.4, 4)),
        thumb=float(rng.uniform(18, 58)),
        wrist=float(rng.normal(0, 7)),
        elbow=float(rng.uniform(0, 15)),
        ankle=float(rng.normal(0, 6)),
        knee=float(rng.uniform(0, 10)),
        hip=float(rng.normal(5, 3)),
        arm=float(rng.uniform(5, 25)),
        neck=float(rng.normal(0, 6)),
    )


def random_person(rng: np.random.Generator) -> Person:
    """Draw a person's size, habitus and pose: rng (numpy Generator) -> `Person`."""
    female = bool(rng.random() < 0.5)
    return Person(
        seed=int(rng.integers(2**31)),
        scale=float(np.clip(rng.normal(0.96 if female else 1.03, 0.06), 0.78, 1.2)),
        girth=float(np.clip(rng.lognormal(0.0, 0.14), 0.75, 1.45)),
        bone=float(np.clip(rng.normal(0.95 if female else 1.04, 0.07), 0.78, 1.25)),
        female=female,
        pose=random_pose(rng),
    )
