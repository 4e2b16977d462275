"""One look for every figure: colours that colour-blind readers can tell apart, sizes that fit a 1280 x 720 slide."""

import textwrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure

#: Okabe and Ito's eight colours (2008), chosen to stay distinct under the common forms of colour blindness.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
#: Heat is drawn with a map whose lightness only rises, so it also reads in grey.
HEAT_MAP = "inferno"
DPI = 100
INK, FAINT = "#1b1b1b", "#8a8a8a"
#: Points of ordinary and of the smallest text. At 100 dots an inch 11 points are 15 pixels, so that a figure which a
#: slide shrinks by a twelfth still keeps the 14 pixels that the last row can read.
TEXT, SMALLEST_TEXT = 12, 11
#: Inches (width, height) that a slide of 1280 x 720 pixels has for a figure below a heading.
SLIDE = (11.5, 5.5)
LETTER = 0.54  # a letter's mean width, as a share of its size


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure, `width` x `height` in inches, that no plotting state keeps alive."""
    return Figure(figsize=(width, height), dpi=DPI, layout="constrained")


def plain_axes(axes) -> None:
    """Take the frame's upper and right line away and draw the rest in a quiet ink."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.tick_params(colors=INK, labelsize=SMALLEST_TEXT)
    axes.xaxis.label.set_size(TEXT)
    axes.yaxis.label.set_size(TEXT)


def wrapped(text: str, inches: float, size: float = SMALLEST_TEXT) -> str:
    """Break a text into lines that fit into a width at a size in points."""
    letters = max(8, int(inches * 72 / (LETTER * size)))
    return "\n".join(textwrap.fill(line, letters, break_long_words=False) for line in text.split("\n"))


def caption(figure: Figure, text: str) -> None:
    """Write a line below the panels: what is seen, its size, its grey window. A long one is broken and makes room."""
    lines = wrapped(text, figure.get_figwidth())
    figure.set_figheight(figure.get_figheight() + lines.count("\n") * 1.3 * SMALLEST_TEXT / 72)
    figure.supxlabel(lines, fontsize=SMALLEST_TEXT, color=INK)


def smallest_text(figure: Figure) -> float | None:
    """The height in pixels of the smallest letters that a figure shows; None for one without text."""
    texts = [*figure.texts, *(text for legend in figure.legends for text in legend.get_texts())]
    for axes in filter(Axes.get_visible, figure.axes):
        texts += [*axes.texts, axes.title]
        texts += axes.get_legend().get_texts() if axes.get_legend() else []
        for axis in (axes.xaxis, axes.yaxis) if axes.axison else ():
            texts += [axis.label, *axis.get_ticklabels()]
    sizes = [text.get_size() for text in texts if text.get_visible() and text.get_text().strip()]
    return min(sizes) * figure.dpi / 72 if sizes else None
