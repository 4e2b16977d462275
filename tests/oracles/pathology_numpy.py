"""The pathology-aware map in float64 NumPy, image by image and map by map, from Wang et al. 2019, Eqs. 1 to 4.

It takes feature maps and gradients from wherever they come, and shares no code with the library.
"""

import numpy as np


def moment(one):
    """Eq. 2 of one map (h, w): the double sum, as it is printed."""
    total = sum(one.flat)
    if total == 0:
        return 0.0
    rows, columns = one.shape
    ic = sum(i * one[i, j] for i in range(rows) for j in range(columns)) / total
    jc = sum(j * one[i, j] for i in range(rows) for j in range(columns)) / total
    return sum(((i - ic) ** 2 + (j - jc) ** 2) * one[i, j] for i in range(rows) for j in range(columns))


def sets(maps, theta_act=0.1, theta_cmi=(0.1, 0.9), cmi="layer"):
    """Numbers of the maps (h, w, K) in the low and in the high set, and whether a quantile has spoken for each."""
    count = maps.shape[-1]
    norms = [np.abs(maps[..., k]).sum() for k in range(count)]
    moments = [moment(np.abs(maps[..., k])) for k in range(count)]
    active = [k for k in range(count) if norms[k] > theta_act * max(norms)]
    if cmi == "none" or not active:
        return active, active, not active and cmi != "none", not active and cmi != "none"
    value = {k: moments[k] / norms[k] if cmi == "gyration" else moments[k] for k in active}
    if cmi in ("layer", "gyration"):
        largest = max(value.values())
        value = {k: one / largest for k, one in value.items()}
    bottom, top = np.quantile(list(value.values()), theta_cmi if cmi == "quantile" else (0.1, 0.9))
    tails = [k for k in active if value[k] <= bottom], [k for k in active if value[k] >= top]
    if cmi == "quantile":
        return *tails, True, True
    low, high = [k for k in active if value[k] < theta_cmi[0]], [k for k in active if value[k] > theta_cmi[1]]
    spoke = (not low, not high) if cmi != "raw" else (False, False)
    if spoke[0]:
        low, high = tails[0], [k for k in high if k not in tails[0]]
    if spoke[1]:
        high, low = tails[1], [k for k in low if k not in tails[1]]
    return low, high, *spoke


def resized(one, size):
    """Bilinear with half pixel centres, edges repeated: (h, w) -> size, pixel by pixel."""
    found = np.zeros(size)
    for row in range(size[0]):
        for column in range(size[1]):
            y = min(max((row + 0.5) * one.shape[0] / size[0] - 0.5, 0), one.shape[0] - 1)
            x = min(max((column + 0.5) * one.shape[1] / size[1] - 0.5, 0), one.shape[1] - 1)
            top, left = int(y), int(x)
            down, right = min(top + 1, one.shape[0] - 1), min(left + 1, one.shape[1] - 1)
            upper = one[top, left] * (1 - x + left) + one[top, right] * (x - left)
            lower = one[down, left] * (1 - x + left) + one[down, right] * (x - left)
            found[row, column] = upper * (1 - y + top) + lower * (y - top)
    return found


def pathology_aware(layers, slopes, size, **options):
    """Feature maps and gradients of each layer, each (h, w, K), of one image -> its low and high map, each `size`."""
    found = [np.zeros(size), np.zeros(size)]
    for maps, slope in zip(layers, slopes, strict=True):
        for which, chosen in enumerate(sets(maps, **options)[:2]):
            for k in chosen:
                found[which] += slope[..., k].mean() * resized(maps[..., k], size)
    return found
