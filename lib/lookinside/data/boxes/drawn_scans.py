"""Fetal scans drawn by formula, as images with boxes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from lookinside.data.boxes.boxed import BoxedImages
from lookinside.data.files.progress_bars import drawing
from lookinside.data.phantom_sets import split_seed
from lookinside.phantoms import fetus_set


def phantom_fetuses(
    split: str,
    count: int,
    size: tuple[int, int] = (192, 256),
    seed: int = 0,
    *,
    structures: Sequence[str] = ("NT",),
    absent: float = 0.0,
    calipers: bool | float = False,
    without: str | Sequence[str] = (),
    progress: bool | Callable[..., Iterable] | None = None,
) -> BoxedImages:
    """Draw first-trimester scans of fetuses with the boxes of some of their structures.

    The masks are those of the nine structures, "calipers" (the crosses) and "removed" (what `without` or `absent` has
    taken away); the tag "facing" is "left" or "right".

    Args:
        split: `"train"`, `"validation"` or `"test"`; different fetuses in each.
        count: number of scans.
        size: (H, W) in pixels.
        seed: whole number, 0 or more; same seed, same images.
        structures: what has boxes, out of the nine; "NT" is the nuchal translucency.
        absent: share of scans without a nuchal translucency, 0 to 1: negatives.
        calipers: strength of crosses at the ends of the NT, 0 to 1: a planted shortcut.
        without: parts to leave out, see `fetus_scan`.
        progress: called as progress(iterable, description); True for a bar where drawing takes over five seconds, False
            or None for none.

    Returns:
        `BoxedImages`; an image's name is the seed of its scan.

    Raises:
        LookInsideError: for an unknown split, structure or part, or a wrong size, count, seed or share.
    """
    drawn = fetus_set(
        count,
        size=size,
        seed=split_seed(split, seed),
        absent=absent,
        calipers=calipers,
        without=without,
        progress=drawing(progress),
    )
    return BoxedImages(
        images=drawn.images[..., None],
        boxes=[list(own.values()) for own in drawn.boxes],
        labels=[[drawn.names.index(name) for name in own] for own in drawn.boxes],
        class_names=drawn.names,
        names=tuple(f"{number}" for number in drawn.seeds),
        masks=drawn.masks | {"calipers": drawn.calipers_masks, "removed": drawn.removed_masks},
        tags={"facing": drawn.facing},
    ).only(structures)
