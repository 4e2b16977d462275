"""The optic disc, its cup and the notch that rim loss makes in its rim."""

from __future__ import annotations

import math

import numpy as np

from lookinside.phantoms.fundus.anatomy import Eye


def smooth_step(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 up to `low`, 1 from `high` on, without a kink between them."""
    t = np.clip((values - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def disc_coordinates(eye: Eye, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far out places are, 1 on the disc's border, and at which angle of the rim, radians."""
    c, s = math.cos(eye.tilt), math.sin(eye.tilt)
    a, b = (c * x + s * y) / eye.half_axes[0], (c * y - s * x) / eye.half_axes[1]
    angle = np.arctan2(b, a)
    second, phase2, third, phase3 = eye.waves
    uneven = 1.0 + second * np.cos(2.0 * angle + phase2) + third * np.cos(3.0 * angle + phase3)
    return np.sqrt(a * a + b * b) / uneven, angle


def notch_shape(eye: Eye, angle: np.ndarray, severity: float) -> np.ndarray:
    """How deep the notch goes into the rim at an angle: 1 is all of the rim, 0 is none of it."""
    if severity == 0.0:
        return np.zeros_like(angle)
    off = np.abs(np.remainder(angle - eye.notch + math.pi, 2.0 * math.pi) - math.pi)
    width = eye.notch_width * (0.6 + 0.4 * severity)
    # A flat bottom, steep shoulders, nothing beyond its width.
    return (0.5 + 0.5 * severity) * smooth_step(-off, -width, -0.55 * width)


def cup_radius(eye: Eye, angle: np.ndarray, rim_loss: float) -> np.ndarray:
    """The cup's border at an angle, as a share of the disc's; the rim is thickest below, thinnest at the temple."""
    healthy = eye.cup * (1.0 + eye.cup_lean * np.cos(angle) - 0.05 * np.sin(angle))
    return healthy + (0.97 - healthy) * notch_shape(eye, angle, rim_loss)
