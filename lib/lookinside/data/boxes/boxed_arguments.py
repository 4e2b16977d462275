"""What asks for images with boxes is given them, or says so in one line."""

from __future__ import annotations

from typing import Any

from lookinside.data.boxes.boxed import BoxedImages
from lookinside.errors import LookInsideError


def check_boxed(**values: Any) -> None:
    """Refuse a value, named as its argument, that is no `BoxedImages`: an array has no boxes, names and masks.

    Raises:
        LookInsideError: with the argument's name and the mend.
    """
    for name, value in values.items():
        if not isinstance(value, BoxedImages):
            raise LookInsideError(f"{name} is a {type(value).__name__}: give BoxedImages, `load_boxed` reads them.")
