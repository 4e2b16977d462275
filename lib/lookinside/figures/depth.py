"""Figures along a network's layers, from the image on."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from lookinside.errors import LookInsideError
from lookinside.figures.curves import LINES
from lookinside.figures.style import COLOURS, SMALLEST_TEXT, TEXT, new_figure, plain_axes


def layer_shares(networks: Mapping[str, Mapping[str, Mapping[str, float]]], label: str) -> Figure:
    """Return a panel for each network: shares of its layers, from the first layer to the last, a colour a series.

    Args:
        networks: network -> series ("trained", "untrained", ...) -> layer -> share in [0, 1].
        label: names the shares' axis.

    Raises:
        LookInsideError: where a network has no layer, or its series have different ones.
    """
    layers = {name: [list(one) for one in series.values()] for name, series in networks.items()}
    for name, found in layers.items():
        if not found or not found[0] or any(one != found[0] for one in found):
            raise LookInsideError(f"the series of {name} need the same layers, one at least")
    if not layers:
        raise LookInsideError("layer shares need at least one network")
    figure = new_figure(11.0, 4.6)
    widths = [max(2, len(found[0])) for found in layers.values()]
    panels = figure.subplots(1, len(layers), sharey=True, width_ratios=widths, squeeze=False)[0]
    for axes, (name, series) in zip(panels, networks.items(), strict=True):
        for index, (what, shares) in enumerate(series.items()):
            style = {"color": COLOURS[index % len(COLOURS)], "linestyle": LINES[index % len(LINES)]}
            axes.plot(range(len(shares)), list(shares.values()), marker="o", markersize=4, label=what, **style)
        axes.set_xticks(range(len(shares)), list(shares), rotation=90)
        axes.set_xlim(-0.5, len(shares) - 0.5)
        axes.set_ylim(-0.02, 1.02)
        axes.set_title(name, fontsize=TEXT)
        plain_axes(axes)
    panels[0].set_ylabel(label)
    lines = panels[0].get_legend_handles_labels()
    figure.legend(*lines, fontsize=SMALLEST_TEXT, frameon=False, loc="outside upper center", ncols=4)
    return figure
