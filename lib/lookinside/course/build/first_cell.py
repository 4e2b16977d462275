"""The first cell of a notebook that is handed out: it installs the library where that is missing, as on Colab."""

from __future__ import annotations

import copy
from typing import Any

from nbformat.v4 import new_code_cell

ID = "install-the-library"
# An editable install, because a chapter reads the recorded results beside the library. TensorFlow is left as it is.
INSTALL = """# Where the library is missing, as on Colab, this fetches and installs it (a few minutes, once).
import importlib.util, os, sys

if importlib.util.find_spec("lookinside") is None:
    %pip install --quiet --src looking-inside --editable "git+{address}#egg=lookinside"
    sys.path.insert(0, os.path.abspath("looking-inside/lookinside/lib"))"""
NO_ADDRESS = """# This notebook needs the library `lookinside`.
import importlib.util, sys

if importlib.util.find_spec("lookinside") is None:
    sys.exit("lookinside is missing: put this notebook into chapters/ of a clone of the course, and say `make lab` there.")"""


def with_first_cell(notebook: Any, address: str | None) -> Any:
    """A copy of a notebook node with that cell in front; where the library is installed the cell does nothing.

    Args:
        notebook: an nbformat node.
        address: where the course can be cloned from; without one the cell says in a line what to do.
    """
    notebook = copy.deepcopy(notebook)
    source = INSTALL.format(address=address) if address else NO_ADDRESS
    notebook.cells.insert(0, new_code_cell(source, id=ID, metadata={"slideshow": {"slide_type": "skip"}}))
    return notebook
