"""Copies of one picture: with the same pixels, or nearly so."""

from __future__ import annotations

import hashlib
from collections import defaultdict

import numpy as np
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from preparing.pictures import as_grey

_SIDE = 32  # px: noise, sharpness and letters are gone, the shapes are left


def mark(pixels: np.ndarray) -> str:
    """What only uint8 pictures of the same shape and pixels have in common."""
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()


def thumbprint(pixels: np.ndarray) -> np.ndarray:
    """A picture as grey float32 (1024,) of mean 0 and length 1, so that a product of two is their correlation.

    An even picture gives zeros: it is like no other.
    """
    small = Image.fromarray(as_grey(pixels)).resize((_SIDE, _SIDE), Image.Resampling.BOX)
    values = np.asarray(small, np.float32).ravel()
    values = values - values.mean()
    return values / max(float(np.linalg.norm(values)), 1e-6)


def joined(marks: list[str], prints: np.ndarray, least: float) -> list[str]:
    """The marks, with one for all pictures that are near copies of one another, of their mirror images too.

    Args:
        marks: (N,) of the exact pixels.
        prints: (N, 1024), see `thumbprint`.
        least: correlation from which two pictures count as copies; chains of copies are one.
    """
    mirrored = prints.reshape(-1, _SIDE, _SIDE)[:, :, ::-1].reshape(prints.shape)
    same = np.unique(marks, return_inverse=True)[1]
    near = np.maximum(prints @ prints.T, prints @ mirrored.T) >= least
    near |= same[:, np.newaxis] == same
    cluster = connected_components(coo_array(near), directed=False)[1]
    first = {number: i for i, number in reversed(list(enumerate(cluster)))}
    return [marks[first[number]] for number in cluster]


def same_marks(marks: list[str]) -> list[list[int]]:
    """The places of each mark that is there more than once."""
    places = defaultdict(list)
    for place, one in enumerate(marks):
        places[one].append(place)
    return [found for found in places.values() if len(found) > 1]
