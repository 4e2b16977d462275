"""Parts painted on the samples of the beams: how strong each scatters, where borders shine, what the beam loses."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from lookinside.phantoms.fetus.contrast import MATERIALS
from lookinside.phantoms.fetus.parts import Line, Part
from lookinside.phantoms.fetus.shapes import Blob, Strip


def painted(
    parts: Iterable[Part], x: np.ndarray, y: np.ndarray, down: tuple[np.ndarray, np.ndarray], step: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Paint parts, one over the other, on fluid.

    Args:
        parts: in order; the later cover the earlier.
        x, y: places of the samples in the fetus' coordinates, mm, (SAMPLES, BEAMS).
        down: the beams' direction there, two parts of a unit vector, each (SAMPLES, BEAMS).
        step: between two samples of a beam, mm.

    Returns:
        echo (dB against soft tissue), shine (amplitude of smooth borders), way (dB lost before the sample); each
        float32 (SAMPLES, BEAMS).
    """
    shape, x, y = x.shape, x.ravel(), y.ravel()
    down = down[0].ravel(), down[1].ravel()
    fluid = MATERIALS["fluid"]
    echo, loss = np.full(x.size, fluid.echo, np.float32), np.full(x.size, fluid.loss, np.float32)
    shine = np.zeros(x.size, np.float32)
    for part in parts:
        at = part.shape.near(x, y, 1.2)
        if not at.size:
            continue
        px, py = x[at], y[at]
        if part.material is not None:
            own = at[part.shape.inside(px, py)]
            material = MATERIALS[part.material]
            echo[own], loss[own] = material.echo + part.extra, material.loss
            if part.covers:
                shine[own] = 0.0
        for line in part.lines:
            off = _off_border(part.shape, line, px, py)
            close = np.flatnonzero(np.abs(off) < 3.5 * line.width)
            own = at[close]
            shine[own] += _strength(part.shape, line, off[close], x[own], y[own], down[0][own], down[1][own])
    loss = loss.reshape(shape) * np.float32(step)
    way = np.cumsum(loss, axis=0) - loss
    return echo.reshape(shape), shine.reshape(shape), way


def _off_border(shape, line: Line, x, y):
    """How far from a line places are, mm; far away beyond the ends of a strip."""
    if isinstance(shape, Blob):
        a, b = shape.axes(x, y)
        return (np.sqrt(a * a + b * b) - 1.0) * math.sqrt(shape.rx * shape.ry)
    if isinstance(shape, Strip):
        off, slope = y - shape.level(x, line.at), shape.curve.steepness(x)
    else:
        curve = (shape.top, shape.bottom)[int(line.at)]
        off, slope = y - curve(x), curve.steepness(x)
    off = off / np.sqrt(1.0 + slope * slope)
    off[(x < shape.start) | (x > shape.end)] = 1e3
    return off


def _strength(shape, line: Line, off, x, y, down_x, down_y):
    """The amplitude of a line at places `off` beside it: Gaussian across, most where the beam meets it squarely."""
    if isinstance(shape, Blob):
        a, b = shape.axes(x, y)
        c, s = math.cos(math.radians(shape.turn)), math.sin(math.radians(shape.turn))
        nx, ny = a / shape.rx, b / shape.ry
        square = ((c * nx - s * ny) * down_x + (s * nx + c * ny) * down_y) / (np.sqrt(nx * nx + ny * ny) + 1e-6)
    else:
        curve = shape.curve if isinstance(shape, Strip) else (shape.top, shape.bottom)[int(line.at)]
        slope = curve.steepness(x)
        square = (down_y - slope * down_x) / np.sqrt(1.0 + slope * slope)
    strength = 10.0 ** (0.05 * line.echo) * (square * square) ** 2 * np.exp(-0.5 * (off / line.width) ** 2)
    if line.middle is not None:
        strength = strength * np.exp(-(((x - line.middle) / line.reach) ** 2))
    return strength.astype(np.float32)
