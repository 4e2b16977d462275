"""From signed projections to a picture of heat."""

import numpy as np
from scipy.ndimage import gaussian_filter

from lookinside.arrays import as_numbers
from lookinside.errors import LookInsideError
from lookinside.explain.calls.arguments import is_number


def heat_map(
    maps: np.ndarray, *, blur_sigma: float = 1.0, percentile: float = 99.0, volumes: bool = False
) -> np.ndarray:
    """Turn projections or saliency maps into heat in [0, 1]: absolute value, light blur, division by a high percentile.

    Dividing by the 99th percentile instead of the maximum keeps one outlying pixel from darkening all others; what lies
    above it is drawn as 1. Each map is treated alone; a map of zeros stays zero.

    Args:
        maps: float (..., H, W).
        blur_sigma: standard deviation of the Gaussian blur in pixels; 0 leaves the blur away.
        percentile: of each blurred map's pixels, above 0 up to 100.
        volumes: whether the maps are those of volumes, (..., D, H, W), and a volume is one map.

    Returns:
        float32 (..., H, W) in [0, 1].

    Raises:
        LookInsideError: for too few axes, a nan or infinite value, a negative blur or a percentile outside
            (0, 100].

    Source: the presentation in Kumar & Menkovski 2016, Fig. 1; blur and percentile are ours.
    """
    maps = as_numbers(maps, "maps").astype(np.float32)
    places = (-3, -2, -1) if volumes else (-2, -1)
    if maps.ndim < len(places):
        said = "(..., D, H, W)" if volumes else "(..., H, W)"
        raise LookInsideError(f"heat_map takes maps of shape {said}, not {maps.shape}.")
    if not np.isfinite(maps).all():
        raise LookInsideError(
            "A map holds nan or infinite values: look for them in the images or the network's weights."
        )
    if not is_number(blur_sigma) or not is_number(percentile) or not 0 < percentile <= 100:
        raise LookInsideError(f"blur_sigma={blur_sigma} must be 0 or more, percentile={percentile} above 0 up to 100.")
    heat = np.abs(maps)
    if blur_sigma:
        heat = gaussian_filter(
            heat, sigma=(0,) * (heat.ndim - len(places)) + (blur_sigma,) * len(places), mode="nearest"
        )
    top = np.percentile(heat, percentile, axis=places, keepdims=True).astype(np.float32)
    # A map with heat on fewer than one pixel in a hundred has a 99th percentile of zero: its maximum serves.
    top = np.where(top > 0, top, heat.max(axis=places, keepdims=True))
    return np.clip(np.divide(heat, top, out=np.zeros_like(heat), where=top > 0), 0.0, 1.0)
