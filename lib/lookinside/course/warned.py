"""Warnings of a chapter's cells, shown where the reader looks and kept for the closing table.

Without this they would go to the error stream, which no page and no stored notebook keeps. A stored notebook holds no
warning either, unless its cell is tagged `warns`: there the warning is what the cell teaches.
"""

from __future__ import annotations

import warnings
from html import escape
from typing import Any

MIME = "application/vnd.lookinside.warning+json"
WANTED = "warns"  # tag of a cell in which a warning is what is taught
# No colour of the letters: JupyterLab's dark theme has its own.
STYLE = "border-left: 4px solid #c65102; padding: 0.3em 0.9em; margin: 0.3em 0"


def show_warnings() -> None:
    """From here on a notebook shows every UserWarning, and whatever is derived from it, as an output of its cell.

    Other kinds (deprecations, NumPy's about floats) stay on the error stream. Calling it twice changes nothing.
    """
    plain = warnings.showwarning
    if getattr(plain, "in_the_notebook", False):
        return

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if issubclass(category, UserWarning):
            _display(str(message))
        else:
            plain(message, category, *where, **more)

    show.in_the_notebook = True
    warnings.showwarning = show


def _display(text: str) -> None:
    from IPython.display import display

    html = f'<div class="warning" style="{STYLE}"><strong>Warning:</strong> {escape(text)}</div>'
    display({"text/plain": f"Warning: {text}", "text/html": html, MIME: {"text": text}}, raw=True)


def warnings_of_cell(cell: Any) -> list[str]:
    """The warnings that an executed cell (an nbformat node) shows, in order."""
    shown = [output.get("data", {}).get(MIME) for output in cell.get("outputs", [])]
    return [one["text"] for one in shown if one]


def recorded_warnings(notebook: Any) -> list[str]:
    """All warnings that an executed notebook shows, in order, but for those of cells that are about them (`warns`)."""
    told = [cell for cell in notebook.cells if WANTED not in cell.get("metadata", {}).get("tags", [])]
    return [text for cell in told for text in warnings_of_cell(cell)]
