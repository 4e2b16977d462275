"""Networks of the papers, one file a family; each is a function that returns a plain functional Keras model."""

from lookinside.models.anatomy_cnn import PAPER_TABLES, deeper_cnn, shallow_cnn
from lookinside.models.layer_tables import layer_table

__all__ = ["PAPER_TABLES", "deeper_cnn", "layer_table", "shallow_cnn"]
