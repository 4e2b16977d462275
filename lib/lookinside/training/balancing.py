"""As many images of each class: how often the paper deforms an image, and a set in which rare classes are repeated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral

import numpy as np

from lookinside.data import LabelledImages
from lookinside.errors import LookInsideError


@dataclass(frozen=True)
class Copies:
    """What becomes of the images of one class.

    Attributes:
        deformations: N_d, how many ways each image is bent.
        copies: N_t * N_r * N_d, how many images one becomes.
        images: of the class in all.
    """

    deformations: int
    copies: int
    images: int


def balance(counts: Mapping[str, int], translations: int = 2, rotations: int = 2) -> dict[str, Copies]:
    """How often each class is deformed, so that rare classes get about as many images as common ones.

    N_d = 1 + 2 round(n_max / n): once as it is, and two rounds in which a class of n images is bent as often as the
    largest class of n_max has more. The paper prints the products only; this rule gives all five of them.

    Args:
        counts: images of each class, 1 or more.
        translations, rotations: N_t and N_r, the same for all classes, 1 or more.

    Raises:
        LookInsideError: for a number that is not whole and 1 or more, or no class.

    Source: Roth et al. 2015, sections 2.3 and 3.1, Table 1.
    """
    named = {**counts, "translations": translations, "rotations": rotations}
    for name, number in named.items():
        if not isinstance(number, Integral) or isinstance(number, bool) or number < 1:
            raise LookInsideError(f"{name} is {number!r}: give a whole number, 1 or more.")
    if not counts:
        raise LookInsideError("counts holds no class: give images of each, such as {'liver': 2684}.")
    most, found = max(counts.values()), {}
    for name, number in counts.items():
        deformations = 1 + 2 * int(most / number + 0.5)
        copies = translations * rotations * deformations
        found[name] = Copies(deformations, copies, copies * number)
    return found


def repeated_to_balance(images: LabelledImages) -> LabelledImages:
    """The set with the images of rare classes repeated in turn, until each class has as many as the largest one.

    Classes without an image stay without. Order: class after class.
    """
    counts = images.counts()
    own = [np.flatnonzero(images.labels == k) for k, count in enumerate(counts.values()) if count]
    return images.subset(np.concatenate([np.resize(one, max(counts.values())) for one in own]))
