"""Does an explanation tell the truth? Scores of heat maps against known regions, with chance and intervals.

Maps of images are (N, H, W); those of volumes, (N, D, H, W), are scored alike.
"""

import numpy as np
from scipy.ndimage import distance_transform_edt

from lookinside.arrays import as_array, as_numbers
from lookinside.errors import LookInsideError
from lookinside.explain.calls.arguments import is_number

_AXES = (3, 4)  # of maps: (N, H, W) and (N, D, H, W)


def mass_in_region(heat: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """Share of each heat map's sum that lies in its region; negative heat counts as zero.

    Args:
        heat: float (N, H, W).
        regions: bool (N, H, W).

    Returns:
        float64 (N,) in [0, 1]; nan where a map has no positive heat.

    Raises:
        LookInsideError: if the shapes differ, the regions are not bool, or the heat holds nan or infinite values.

    Source: Wang et al. 2019, section 5.2 (their "Acc").
    """
    heat, regions = _heat_and_regions(heat, regions)
    heat = np.maximum(heat, 0.0)
    places = tuple(range(1, heat.ndim))
    total = heat.sum(axis=places)
    inside = (heat * regions).sum(axis=places)
    return np.divide(inside, total, out=np.full(len(heat), np.nan), where=total > 0)


def region_share(regions: np.ndarray, *, tolerance: float = 0.0) -> np.ndarray:
    """Share of each image that its region covers: chance for `mass_in_region` and for `pointing_game`.

    Args:
        regions: bool (N, H, W).
        tolerance: margin around the region in pixels, as in `pointing_game`.

    Returns:
        float64 (N,) in [0, 1]; 0 where the region has no pixel.

    Raises:
        LookInsideError: for regions that are not bool (N, H, W), or a negative tolerance.
    """
    regions = as_array(regions, "regions")
    if regions.ndim not in _AXES or regions.dtype != bool:
        raise LookInsideError(f"regions are {regions.dtype} {regions.shape}: give bool (N, H, W).")
    return np.array([_near(region, tolerance).mean() for region in regions])


def landmark_share(heat: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """How many times more heat lies on the region than chance would put there: 1 is chance.

    `mass_in_region` over `region_share`. The most there is, all heat in the region, is 1 / region_share.

    Args:
        heat: float (N, H, W); negative heat counts as zero.
        regions: bool (N, H, W), the landmarks.

    Returns:
        float64 (N,), 0 or more; nan where a map has no heat or a region no pixel.

    Raises:
        LookInsideError: as `mass_in_region`.

    Source: ours, to put a number to Kumar & Menkovski 2016, section 3.
    """
    mass, share = mass_in_region(heat, regions), region_share(regions)
    return np.divide(mass, share, out=np.full(len(mass), np.nan), where=share > 0)


def pointing_game(heat: np.ndarray, regions: np.ndarray, *, tolerance: float = 0.0) -> np.ndarray:
    """Whether the hottest pixel of each map lies in its region, or within `tolerance` pixels of it.

    Chance is the share of the image that the region and its margin cover, `region_share(regions, tolerance=)`. Of
    several hottest pixels the share that hits counts, so an even map scores chance.

    Args:
        heat: float (N, H, W).
        regions: bool (N, H, W).
        tolerance: margin in pixels; Zhang et al. take 15 of some 500.

    Returns:
        float64 (N,) in [0, 1]; nan where the region has no pixel.

    Raises:
        LookInsideError: as `mass_in_region`, and for a negative tolerance.

    Source: Zhang et al. 2018, Top-down Neural Attention by Excitation Backprop, section 4.2.
    """
    heat, regions = _heat_and_regions(heat, regions)
    hits = np.full(len(heat), np.nan)
    for number, (one, region) in enumerate(zip(heat, regions, strict=True)):
        if region.any():
            hits[number] = _near(region, tolerance)[one == one.max()].mean()
    return hits


def map_correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Pearson correlation over the pixels of two maps, image by image.

    Args:
        first, second: float (N, H, W).

    Returns:
        float64 (N,) in [-1, 1]; nan where one of the maps is the same everywhere.

    Raises:
        LookInsideError: if the shapes differ, or a map holds nan or infinite values.

    Source: Adebayo et al. 2018, Sanity Checks for Saliency Maps (there: rank correlation and SSIM).
    """
    first, second = (as_numbers(maps, "A map") for maps in (first, second))
    if first.shape != second.shape or first.ndim not in _AXES:
        raise LookInsideError(f"The maps have shapes {first.shape} and {second.shape}: give twice (N, H, W).")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise LookInsideError(
            "A map holds nan or infinite values: look for them in the images or the network's weights."
        )
    first, second = (maps.reshape(len(maps), -1) for maps in (first, second))
    varied = (np.ptp(first, axis=1) > 0) & (np.ptp(second, axis=1) > 0)
    first, second = (_standard(maps) for maps in (first, second))
    return np.where(varied, np.clip((first * second).sum(axis=1), -1, 1), np.nan)


def _standard(maps):
    """Each row (N, pixels) with a mean of 0 and a length of 1; scaled first, for squares of tiny values vanish."""
    maps = maps / np.maximum(np.abs(maps).max(axis=1, keepdims=True), np.finfo(float).tiny)
    maps = maps - maps.mean(axis=1, keepdims=True)
    length = np.sqrt((maps**2).sum(axis=1, keepdims=True))
    return maps / np.where(length > 0, length, 1)


def _near(region, tolerance):
    """The region and its margin, bool (H, W) or (D, H, W)."""
    if not is_number(tolerance):
        raise LookInsideError(f"tolerance is {tolerance}: give 0 or more pixels.")
    if not tolerance or not region.any():
        return region
    return distance_transform_edt(~region) <= tolerance


def _heat_and_regions(heat, regions):
    heat, regions = as_numbers(heat, "heat"), as_array(regions, "regions")
    if heat.ndim not in _AXES or heat.shape != regions.shape or regions.dtype != bool:
        raise LookInsideError(
            f"heat is {heat.shape} and regions are {regions.dtype} {regions.shape}: give float and bool (N, H, W)."
        )
    if not np.isfinite(heat).all():
        raise LookInsideError(
            "The heat holds nan or infinite values: look for them in the images or the network's weights."
        )
    return heat, regions
