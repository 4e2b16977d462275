"""Eqs. 2 and 3 of Liu, Wan & He 2019 in float64 NumPy, cell by cell: slow, short, and nobody's code but its own.

One map at a time: features (M, N, C), primitives (K, C), responses (M, N, K), templates (T, S, K), a vote (M, N).
"""

import numpy as np


def detect(features, primitives):
    out = np.zeros((*features.shape[:2], len(primitives)))
    for row, column in np.ndindex(features.shape[:2]):
        gamma = features[row, column].astype(np.float64)
        for k, v in enumerate(primitives.astype(np.float64)):
            product = np.sqrt(gamma @ gamma) * np.sqrt(v @ v)
            out[row, column, k] = max(v @ gamma / product, 0) if product else 0
    return out


def votes(responses, templates):
    """Each primitive's vote: a response at a cell puts the template around that cell, its middle on the cell."""
    middle = np.array(templates.shape[:2]) // 2
    out = np.zeros(responses.shape)
    for cell in np.ndindex(responses.shape[:2]):
        for there in np.ndindex(templates.shape[:2]):
            row, column = np.array(cell) + there - middle
            if 0 <= row < len(out) and 0 <= column < out.shape[1]:
                out[row, column] += responses[cell].astype(np.float64) * templates[there]
    return out


def rebuilt(phi, templates):
    """Rc: what lies in the vote under each template, its middle on the cell."""
    middle = np.array(templates.shape[:2]) // 2
    out = np.zeros((*phi.shape, templates.shape[2]))
    for cell in np.ndindex(phi.shape):
        for there in np.ndindex(templates.shape[:2]):
            row, column = np.array(cell) + there - middle
            if 0 <= row < len(out) and 0 <= column < out.shape[1]:
                out[cell] += phi[row, column] * templates[there].astype(np.float64)
    return out


def alphas(responses, again):
    out = np.zeros(responses.shape[2])
    for k in range(len(out)):
        rs, rc = responses[..., k].ravel(), again[..., k].ravel()
        matched = sum(s + c for s, c in zip(rs, rc, strict=True) if s > 0 and c > 0)
        total = rs.sum() + rc.sum()
        out[k] = matched / total if total else 0
    return out


def soft_argmax(phi, temperature):
    """x and y in cells."""
    phi = phi.astype(np.float64)
    powers = np.exp(temperature * (phi / phi.max() - 1))
    rows, columns = np.indices(phi.shape)
    return np.array([(powers * columns).sum(), (powers * rows).sum()]) / powers.sum()
