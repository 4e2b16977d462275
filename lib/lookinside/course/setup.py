"""What every notebook does first: seeds, number format, look of the figures, errors in one line, warnings in sight."""

from __future__ import annotations

import io
from typing import Any

from lookinside.course.warned import show_warnings
from lookinside.errors import LookInsideError

STYLE = {
    "figure.dpi": 110,
    "figure.figsize": (8.0, 3.6),
    "figure.constrained_layout.use": True,
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "image.cmap": "gray",
    "image.interpolation": "nearest",
    "legend.frameon": False,
}
STOPPED = "this cell was stopped: run it again, and those below it."


def set_up(seed: int = 0) -> None:
    """Prepare a notebook: one seed for Python, NumPy and TensorFlow, three decimals, the course's figure style.

    `COURSE_STRATEGY` trains on several GPUs, see `use_strategy`. Pictures are stored as JPEG, plots as PNG. A
    LookInsideError, or an interrupt, shows as one line, without a traceback, and the cell still counts as failed; a
    UserWarning shows as an output of its cell. Outside a notebook only strategy, seeds, number format and figure style
    are set.
    """
    import keras
    import matplotlib as mpl
    import numpy as np

    from lookinside.course.strategy import use_strategy
    from lookinside.figures.style import COLOURS

    use_strategy()
    keras.utils.set_random_seed(seed)
    np.set_printoptions(precision=3, suppress=True, linewidth=110)
    mpl.rcParams.update(STYLE)
    mpl.rcParams["axes.prop_cycle"] = mpl.cycler(color=COLOURS)
    shell = _notebook_shell()
    if shell is not None:
        import tensorflow as tf

        tf.get_logger().setLevel("ERROR")  # its warnings go to a notebook's standard output
        shell.set_custom_exc((LookInsideError, KeyboardInterrupt), _one_line)
        show_warnings()
        _store_pictures_as_jpeg(shell)


def _notebook_shell() -> Any | None:
    """The running kernel's shell; None in a plain Python process."""
    try:
        from IPython import get_ipython
    except ImportError:
        return None
    return get_ipython()


def _one_line(shell: Any, kind: type, error: BaseException, traceback: Any, tb_offset: int | None = None) -> list[str]:
    said = str(error) or STOPPED  # an interrupt says nothing, and inside TensorFlow its traceback has hundreds of lines
    lines = [f"\x1b[31m{kind.__name__}\x1b[39m: {said}"]
    shell._showtraceback(kind, error, lines)
    return lines


def is_picture(figure: Any) -> bool:
    """True where JPEG is truer or smaller: half of the axes show an image of 1000 pixels or more, or one of 20,000."""
    axes = [one for one in figure.axes if one.get_visible() and (one.images or one.lines or one.patches or one.texts)]
    sizes = [max((image.get_array().size for image in one.images), default=0) for one in axes]
    pictures = sum(size >= 1000 for size in sizes)
    return pictures > 0 and (2 * pictures >= len(axes) or max(sizes) >= 20_000)


def few_colours(png: bytes) -> bytes:
    """A plot's PNG with a palette of 128 colours: a third of the bytes, and no difference to the eye."""
    from PIL import Image

    small = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(128).save(small, "png", optimize=True)
    return small.getvalue()


def _store_pictures_as_jpeg(shell: Any) -> None:
    """Each figure goes out in one format: both formatters look at it and only one answers."""
    from IPython.core.pylabtools import print_figure
    from matplotlib.figure import Figure
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    from lookinside.figures.style import smallest_text

    set_matplotlib_formats("png")

    def about(figure: Figure) -> dict[str, float]:
        """Kept beside the picture, so that a deck can tell whether the last row reads its text."""
        size = smallest_text(figure)
        return {} if size is None else {"smallest_text": round(size, 1)}  # pixels

    def as_png(figure: Figure) -> tuple[bytes, dict] | None:
        return None if is_picture(figure) else (few_colours(print_figure(figure, "png", base64=False)), about(figure))

    def as_jpeg(figure: Figure) -> tuple[bytes, dict] | None:
        options = {"quality": 72, "optimize": True, "progressive": True}
        return (print_figure(figure, "jpeg", pil_kwargs=options), about(figure)) if is_picture(figure) else None

    formatters = shell.display_formatter.formatters
    formatters["image/png"].for_type(Figure, as_png)
    formatters["image/jpeg"].for_type(Figure, as_jpeg)
