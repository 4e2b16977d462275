"""The camera: which part of the eye the field shows, light and haze, focus, exposure, noise, a mark at the edge."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lookinside.phantoms.fundus.disc_shapes import smooth_step
from lookinside.phantoms.tomography.smoothing import blurred

# Gains of red, green and blue under a full colour cast: a lamp that is a little too cold.
CAST = (0.90, 1.04, 1.30)
MARK_ANGLE = 0.64  # of the camera's mark above the horizontal, at the right, radians


@dataclass(frozen=True)
class Camera:
    """One photograph's settings; lengths in shares of the picture's side.

    Attributes:
        right_eye: the disc lies at the right.
        radius: of the field.
        middle: of the field.
        disc_diameter: how long the unit of an `Eye` is.
        place: of the disc in the field, in radii: towards the nose, and down.
        turn: of the eye, radians.
        shade: light that drifts over the field: across, down, and how much darker the edge is.
        shadow: where the pupil cuts light off: x, y (radii), width (radii), strength.
        haze: veil of cloudy media, 0 to 1.
        crescent: haze at the field's edge: angle (radians), width (radii), strength.
        veil: colour of the haze.
        blur: standard deviation of the focus, disc diameters.
        exposure: factor on all light.
        balance: factors on red, green and blue.
        noise: standard deviation, 1 is white.
        ghosts: (n, 4), specks on the lens: x, y, radius (radii), strength.
    """

    right_eye: bool
    radius: float
    middle: tuple[float, float]
    disc_diameter: float
    place: tuple[float, float]
    turn: float
    shade: tuple[float, float, float]
    shadow: tuple[float, float, float, float]
    haze: float
    crescent: tuple[float, float, float]
    veil: tuple[float, float, float]
    blur: float
    exposure: float
    balance: tuple[float, float, float]
    noise: float
    ghosts: tuple[tuple[float, float, float, float], ...]

    def field(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        """The middles of the pixels in the field, in radii from its middle, right and down: float32 (H, W)."""
        at = (np.arange(size, dtype=np.float32) + 0.5) / np.float32(size)
        right, down = (at - np.float32(self.middle[0])), (at - np.float32(self.middle[1]))[:, None]
        shape = size, size
        scale = np.float32(1.0 / self.radius)
        return np.broadcast_to(right * scale, shape), np.broadcast_to(down * scale, shape)

    def of_eye(self, right: np.ndarray, down: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places in the field in the eye's own coordinates, disc diameters."""
        side = -1.0 if self.right_eye else 1.0
        scale = self.radius / self.disc_diameter
        a, b = (side * right + self.place[0]) * scale, (down - self.place[1]) * scale
        c, s = math.cos(self.turn), math.sin(self.turn)
        return c * a + s * b, c * b - s * a

    def of_picture(self, x: np.ndarray, y: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        """The way back of `of_eye`, on to pixels: right and down, the first pixel's middle is 0.5."""
        side = -1.0 if self.right_eye else 1.0
        c, s = math.cos(self.turn), math.sin(self.turn)
        a, b = c * x - s * y, s * x + c * y
        right = self.middle[0] + side * (a * self.disc_diameter - self.place[0] * self.radius)
        down = self.middle[1] + b * self.disc_diameter + self.place[1] * self.radius
        return right * size, down * size


def random_camera(rng: np.random.Generator) -> Camera:
    """Draw one photograph's settings: spreads as on the fundus photographs of HYGD."""
    shadow_strength = rng.uniform(0.2, 0.7) if rng.random() < 0.3 else 0.0
    crescent = rng.uniform(0.2, 0.85) if rng.random() < 0.35 else 0.0
    haze = float(np.clip(rng.gamma(1.6, 0.045), 0.0, 0.3))
    ghosts = tuple(
        (rng.uniform(-0.8, 0.8), rng.uniform(-0.8, 0.8), rng.uniform(0.015, 0.04), rng.uniform(0.02, 0.16))
        for _ in range(int(rng.poisson(1.6)))
    )
    return Camera(
        right_eye=bool(rng.random() < 0.5),
        radius=rng.uniform(0.482, 0.496),
        middle=(0.5 + rng.normal(0, 0.004), 0.5 + rng.normal(0, 0.004)),
        disc_diameter=float(np.clip(rng.normal(0.178, 0.006), 0.162, 0.194)),
        place=(rng.uniform(0.3, 0.62), rng.normal(-0.03, 0.06)),
        turn=rng.normal(0.0, 0.07),
        shade=(rng.normal(0, 0.22), rng.normal(0, 0.18), rng.uniform(0.1, 0.55)),
        shadow=(rng.uniform(-0.2, 0.7), rng.normal(0.1, 0.35), rng.uniform(0.4, 0.85), shadow_strength),
        haze=haze,
        crescent=(rng.uniform(-math.pi, math.pi), rng.uniform(0.35, 0.75), crescent),
        veil=(rng.uniform(0.36, 0.62), rng.uniform(0.35, 0.44), rng.uniform(0.16, 0.31)),
        blur=rng.uniform(0.016, 0.036) + 0.06 * haze,
        exposure=float(np.exp(rng.normal(0.0, 0.15))),
        balance=tuple(np.exp(rng.normal(0.0, (0.04, 0.04, 0.08))).tolist()),
        noise=rng.uniform(0.003, 0.006),
        ghosts=ghosts,
    )


def lit(scene: np.ndarray, camera: Camera, right: np.ndarray, down: np.ndarray, pixels: float) -> np.ndarray:
    """What reaches the film: a scene under the camera's light, behind haze, in its focus.

    Args:
        scene: how much of red, green and blue each place throws back, float32 (3, H, W).
        camera: the settings.
        right, down: places in the field, radii.
        pixels: in a disc diameter.

    Returns:
        float32 (3, H, W), 1 is white.
    """
    square = right * right + down * down
    across, below, edge = camera.shade
    light = 1.0 + across * right + below * down - edge * square
    side = -1.0 if camera.right_eye else 1.0
    x, y, width, strength = camera.shadow
    if strength:
        off = ((side * right - x) ** 2 + (down - y) ** 2) / np.float32(width * width)
        light = light * (1.0 - strength * np.exp(-off))
    light = np.maximum(light, 0.06) * np.float32(camera.exposure)
    angle, width, strength = camera.crescent
    haze = np.float32(camera.haze)
    if strength:
        towards = right * math.cos(angle) + down * math.sin(angle)
        haze = haze + strength * smooth_step(towards + 0.35 * square, 1.25 - width, 1.35)
    for gx, gy, radius, bright in camera.ghosts:
        far = np.sqrt((right - gx) ** 2 + (down - gy) ** 2)
        haze = haze + bright * smooth_step(-far, -1.25 * radius, -0.8 * radius)
    haze = np.minimum(haze, 0.9)
    sharp = light * (1.0 - haze)
    veil = haze * (0.75 * np.float32(camera.exposure) + 0.35 * light)
    out = np.empty_like(scene)
    for channel in range(3):
        one = scene[channel] * sharp + np.float32(camera.veil[channel]) * veil
        out[channel] = blurred(one * np.float32(camera.balance[channel]), camera.blur * pixels)
    return out


def developed(light: np.ndarray, camera: Camera, seed) -> np.ndarray:
    """Light as the camera stores it: noise, a soft shoulder, float32 (3, H, W) from 0 to 1."""
    rng = np.random.default_rng(seed)
    _, height, width = light.shape
    grain = rng.standard_normal((4, height, width), dtype=np.float32)
    noise = np.float32(camera.noise) * (0.8 * grain[3] + 0.6 * grain[:3])
    value = np.maximum(light + noise * np.sqrt(np.maximum(light, 0.02) / 0.3), 0.0)
    power = value * value
    return value / np.sqrt(np.sqrt(1.0 + power * power))


def edge_of_field(camera: Camera, right: np.ndarray, down: np.ndarray) -> np.ndarray:
    """How much of each pixel the round field covers, 0 to 1."""
    off = 1.0 - np.sqrt(right * right + down * down)
    return smooth_step(off, -0.006, 0.006)


def mark_at_edge(camera: Camera, right: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Where the camera's mark lies, a small tab outside of the field at its upper right: bool (H, W)."""
    c, s = math.cos(MARK_ANGLE), -math.sin(MARK_ANGLE)
    out, along = c * right + s * down, c * down - s * right
    return (right * right + down * down > 1.012) & (out < 1.075) & (out > 0.9) & (np.abs(along) < 0.06)
