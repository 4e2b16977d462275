"""From line integrals to a picture as it hangs on the light box: exposure, scatter, noise, collimation, markers."""

from dataclasses import dataclass

import numpy as np

_LETTERS = {
    "L": ("10000", "10000", "10000", "10000", "10000", "10000", "11111"),
    "R": ("11110", "10001", "10001", "11110", "10100", "10010", "10001"),
}


@dataclass(frozen=True)
class Film:
    """How one picture was taken.

    Attributes:
        beam: factor on all attenuation; a soft beam (limbs, breast) has more contrast.
        photons: per pixel in the open beam at 128 px.
        scatter: share of scattered radiation.
        flatten: share of the coarse brightness that the workstation takes away.
        gamma: exponent of the grey curve; black, white: grey levels of air and of the densest bone, 0 to 1.
        burn: share of the pixels of the field that are saturated.
    """

    beam: float
    photons: float
    scatter: float
    flatten: float
    gamma: float
    black: float
    white: float
    burn: float


def random_film(rng, beam=1.0, scatter=0.12, flatten=0.25, burn=0.01):
    """Draw how a picture is taken: rng, typical values of the class -> `Film`."""
    return Film(
        beam=float(beam * rng.uniform(0.85, 1.15)),
        photons=float(np.exp(rng.uniform(np.log(8e3), np.log(1e5)))),
        scatter=float(scatter * rng.uniform(0.6, 1.6)),
        flatten=float(flatten * rng.uniform(0.5, 1.5)),
        gamma=float(np.exp(rng.normal(0.1, 0.22))),
        black=float(rng.uniform(0.02, 0.16)),
        white=float(rng.uniform(0.78, 1.0)),
        burn=float(burn * rng.uniform(0.3, 2.0)),
    )


def coarse(image, cells=12):
    """The slow part of an image (H, H): means of overlapping bells, `cells` each way."""
    size = image.shape[0]
    at = (np.arange(size, dtype=np.float32) + 0.5) * (cells / size) - 0.5
    away = np.minimum(1.0, np.abs(np.clip(at, 0, cells - 1)[:, None] - np.arange(cells, dtype=np.float32)))
    bells = 0.5 + 0.5 * np.cos(np.float32(np.pi) * away)  # neighbours add up to 1, and no kink shows where they meet
    gather = bells / bells.sum(axis=0)
    return bells @ (gather.T @ image @ gather) @ bells.T


def soften(image, share):
    """A small blur: each pixel gives `share` to each of its neighbours along both axes."""
    for _ in range(2):
        image = image.T
        out = (1.0 - 2.0 * share) * image
        out[1:] += share * image[:-1]
        out[:-1] += share * image[1:]
        out[0] += share * image[0]
        out[-1] += share * image[-1]
        image = out
    return image


def field_of(size, width, height, angle, shift):
    """The collimated field: float32 (size, size), 1 inside a turned rectangle, with edges one pixel wide.

    width, height and shift (right, down) in pixels, angle in degrees.
    """
    grid = np.arange(size, dtype=np.float32) - 0.5 * (size - 1)
    c, s = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    x, y = (grid - shift[0])[None, :], (grid - shift[1])[:, None]
    across = 0.5 * width - np.abs(c * x + s * y)
    down = 0.5 * height - np.abs(c * y - s * x)
    return np.clip(np.minimum(across, down) + 0.5, 0.0, 1.0).astype(np.float32)


@dataclass(frozen=True)
class Exposure:
    """What the whole scene makes of a picture beyond each single ray: it stays when a part is taken away.

    Attributes:
        grain: float32 (H, W), the bones' and tissues' own texture; quanta: float32 (H, W), the noise of the photons.
        scattered: float32 (H, W), scattered radiation, in shares of the open beam.
        slow: float32 (H, W), the coarse brightness that the workstation takes away, or None.
        low, high: densities that become black and white.
    """

    grain: np.ndarray
    quanta: np.ndarray
    scattered: np.ndarray
    slow: np.ndarray | None
    low: float
    high: float


def expose(attenuation, bone, field, film, rng):
    """Line integrals (H, W) of the whole scene, the bones' part of them, and the field -> `Exposure`."""
    size = attenuation.shape[0]
    grain = soften(rng.standard_normal((size, size), dtype=np.float32), 0.22)
    quanta = rng.standard_normal((size, size), dtype=np.float32)
    scattered = film.scatter * coarse(_beam(attenuation, bone, grain, film) * field, 6)
    density = _density(attenuation, bone, film, grain, quanta, scattered)
    open_field = field > 0.5
    slow = None
    if film.flatten:
        slow = np.maximum(coarse(np.where(open_field, density, density[open_field].mean())), 0.05)
        density = _flattened(density, slow, film)
    ordered = np.sort(density[open_field])
    low = ordered[int(0.01 * (len(ordered) - 1))]
    high = ordered[int((1.0 - film.burn) * (len(ordered) - 1))]
    return Exposure(grain, quanta, scattered, slow, low, high)


def develop(attenuation, bone, field, film, exposure):
    """Line integrals (H, W), the bones' part of them, and the field -> grey levels, float32 (H, W) in [0, 1]."""
    density = _density(attenuation, bone, film, exposure.grain, exposure.quanta, exposure.scattered)
    if exposure.slow is not None:
        density = _flattened(density, exposure.slow, film)
    grey = np.clip((density - exposure.low) / max(float(exposure.high - exposure.low), 1e-3), 0.0, 1.0) ** film.gamma
    return (film.black + (film.white - film.black) * grey) * field


def _beam(attenuation, bone, grain, film):
    """What is left of the beam behind the body, in shares of the open beam."""
    attenuation = film.beam * (attenuation + 0.10 * grain * bone + 0.008 * grain * attenuation)
    return np.exp(-soften(attenuation, 0.10))


def _density(attenuation, bone, film, grain, quanta, scattered):
    """The logarithm of what reaches the plate, with its noise: 0 in the open beam, more behind the body."""
    size = attenuation.shape[0]
    photons = film.photons * (128.0 / size) ** 2
    beam = _beam(attenuation, bone, grain, film) + scattered
    beam += np.sqrt(beam / photons) * quanta
    return np.log(1.0 + film.scatter) - np.log(np.maximum(beam, 0.3 / photons))


def _flattened(density, slow, film):
    """A division, so that air stays black."""
    return density / ((1.0 - film.flatten) * slow.mean() + film.flatten * slow)


def letter_bitmap(letter, size):
    """A lead letter on its plate: float32 (h, w) in [0, 1], for an image of `size` pixels."""
    rows = np.array([[float(c) for c in row] for row in _LETTERS[letter]], np.float32)
    zoom = max(1, round(size / 110))
    rows = np.kron(rows, np.ones((zoom, zoom), np.float32))
    return np.pad(rows, zoom, constant_values=0.0)


def stamp_letter(grey, field, body, letter, rng):
    """Put an L or R where the field is open and the body least in the way; changes `grey`, returns bool (H, W)."""
    size = grey.shape[0]
    plate = letter_bitmap(letter, size)
    if rng.random() < 0.15:
        plate = plate[:, ::-1]
    h, w = plate.shape
    best, found = None, None
    for x, y in rng.random((10, 2)):
        i, j = int(y * (size - h)), int(x * (size - w))
        window = (slice(i, i + h), slice(j, j + w))
        cost = float(body[window].mean() + 2.0 * (1.0 - field[window].mean()))
        if best is None or cost < best:
            best, found = cost, window
        if cost == 0.0:
            break
    stamped = np.zeros(grey.shape, bool)
    if best <= 0.6:
        grey[found] = np.maximum(np.maximum(grey[found], 0.22), plate * 0.96)
        stamped[found] = True
    return stamped


def stamp_shortcut(grey, rng):
    """Put a bright plate with a dark cross into the upper left corner; changes `grey`, returns its bool mask (H, W)."""
    size = grey.shape[0]
    side = max(5, round(0.13 * size))
    i, j = (rng.random(2) * 0.05 * size + 0.02 * size).astype(int)
    grey[i : i + side, j : j + side] = 1.0
    bar = max(1, side // 5)
    middle = (side - bar) // 2
    arm = max(1, side // 6)
    grey[i + middle : i + middle + bar, j + arm : j + side - arm] = 0.15
    grey[i + arm : i + side - arm, j + middle : j + middle + bar] = 0.15
    mask = np.zeros(grey.shape, bool)
    mask[i : i + side, j : j + side] = True
    return mask
