"""The pictures and tables of the course: matplotlib Figures and HTML tables, sized to fit a slide."""

from lookinside.figures.body import body_profile
from lookinside.figures.curves import band_curves, learning_curves, size_curves, step_curves
from lookinside.figures.deformations import deformation_field, deformed_grid
from lookinside.figures.depth import layer_shares
from lookinside.figures.detections import boxed_sheet, named_boxes, primitive_panels, show_boxes, voting_panels
from lookinside.figures.images import (
    heat_grid,
    image_rows,
    image_sheet,
    map_strip,
    number_grids,
    show_heat,
    show_image,
    show_region,
)
from lookinside.figures.plots import confusion_matrix, embedding, interval_plot, scatter
from lookinside.figures.style import COLOURS, HEAT_MAP, new_figure
from lookinside.figures.tables import table
from lookinside.figures.tiles import tile_rows

__all__ = [
    "COLOURS",
    "HEAT_MAP",
    "band_curves",
    "body_profile",
    "boxed_sheet",
    "confusion_matrix",
    "deformation_field",
    "deformed_grid",
    "embedding",
    "heat_grid",
    "image_rows",
    "image_sheet",
    "interval_plot",
    "layer_shares",
    "learning_curves",
    "map_strip",
    "named_boxes",
    "new_figure",
    "number_grids",
    "primitive_panels",
    "scatter",
    "show_boxes",
    "show_heat",
    "show_image",
    "show_region",
    "size_curves",
    "step_curves",
    "table",
    "tile_rows",
    "voting_panels",
]
