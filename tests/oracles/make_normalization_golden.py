"""Write normalization_golden.npz: local response normalization and its gradient by torch, once and for all.

Needs torch and NumPy only, and nothing of this project:

    python3.11 -m venv torchenv && torchenv/bin/pip install torch==2.13.0 numpy
    torchenv/bin/python tests/oracles/make_normalization_golden.py

Arrays of the file, computed in float64: `settings` (S, 4) with n, k, alpha and beta as Krizhevsky et al. mean them,
`images` (N, H, W, C), `weights` of the same shape, and for each setting `<place>/maps` and `<place>/gradient`, the
gradient of sum(weights * maps) by the images. torch divides alpha by n, so it is given alpha * n.
"""

from pathlib import Path

import numpy as np
import torch

SETTINGS = (  # n, k, alpha, beta: the paper's, even, a single map, more maps than there are, Caffe's k
    (5, 2.0, 1e-4, 0.75),
    (5, 2.0, 0.3, 0.75),
    (4, 1.0, 0.5, 0.6),
    (2, 0.5, 1.0, 1.0),
    (1, 1.0, 0.7, 0.5),
    (20, 1.0, 0.2, 2.0),
    (3, 1.0, 0.0, 0.75),
)


def main():
    rng = np.random.default_rng(12)
    shape = (3, 5, 4, 7)
    images, weights = (rng.normal(0, 3, shape) for _ in range(2))
    arrays = {"settings": np.array(SETTINGS), "images": images, "weights": weights}
    for place, (n, k, alpha, beta) in enumerate(SETTINGS):
        x = torch.from_numpy(images).permute(0, 3, 1, 2).requires_grad_()
        maps = torch.nn.LocalResponseNorm(n, alpha * n, beta, k)(x)
        (maps.permute(0, 2, 3, 1) * torch.from_numpy(weights)).sum().backward()
        arrays[f"{place}/maps"] = maps.detach().permute(0, 2, 3, 1).numpy()
        arrays[f"{place}/gradient"] = x.grad.permute(0, 2, 3, 1).numpy()
    np.savez_compressed(Path(__file__).with_name("normalization_golden.npz"), **arrays)


if __name__ == "__main__":
    main()
