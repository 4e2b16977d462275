"""One look for every figure: colours that colour-blind readers can tell apart, sizes that fit a 1280 x 720 slide."""

from matplotlib.figure import Figure

#: Okabe and Ito's eight colours (2008), chosen to stay distinct under the common forms of colour blindness.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
#: Heat is drawn with a map whose lightness only rises, so it also reads in grey.
HEAT_MAP = "inferno"
DPI = 100
INK, FAINT = "#1b1b1b", "#8a8a8a"


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure, `width` x `height` in inches, that no plotting state keeps alive."""
    return Figure(figsize=(width, height), dpi=DPI, layout="constrained")


def plain_axes(axes) -> None:
    """Take the frame's upper and right line away and draw the rest in a quiet ink."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.tick_params(colors=INK, labelsize=9)


def caption(figure: Figure, text: str) -> None:
    """Write one line below the panels: what is seen, its size, its grey window."""
    figure.supxlabel(text, fontsize=9, color=INK)
