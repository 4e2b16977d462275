"""A chapter is a pair: NN_name.py, which people edit, and NN_name.ipynb, made from it and executed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from jupytext.combine import combine_inputs_with_outputs

from lookinside.errors import LookInsideError

STORED = {"profile": "quick", "dataset": "phantoms"}
# What a source's cell marker may say; the rest of a cell's metadata belongs to the programs that show it.
KEPT_METADATA = ("alt", "slideshow", "tags")
# What JupyterLab's panels leave in a cell that says nothing.
SAYS_NOTHING = ([], {}, {"slide_type": ""})


def read_source(path: Path) -> Any:
    """A py:percent source as a notebook node without outputs. Raises LookInsideError where it cannot be read."""
    try:
        notebook = jupytext.read(path)
    except Exception as error:  # jupytext's own kinds: a broken header or cell marker
        raise LookInsideError(f"{path.name} is no py:percent notebook: {str(error).splitlines()[0]}") from None
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict(kept_metadata(cell))
    return _without_empty_end(notebook)


def kept_metadata(cell: Any) -> dict[str, Any]:
    """What a cell's metadata says to the course."""
    kept = {key: cell.metadata[key] for key in KEPT_METADATA if key in cell.metadata}
    return {key: value for key, value in kept.items() if value not in SAYS_NOTHING}


def _without_empty_end(notebook: Any) -> Any:
    """JupyterLab adds an empty cell when the last one is run; it is no part of a chapter."""
    while len(notebook.cells) > 1 and not notebook.cells[-1].source.strip():
        notebook.cells.pop()
    return notebook


def read_stored(source: Path) -> Any:
    """The executed notebook beside a source. Raises LookInsideError where it is missing or broken."""
    path = source.with_suffix(".ipynb")
    if not path.is_file():
        raise LookInsideError(f"{path.name} is missing: run `make notebooks CHAPTER={source.name[:2]}`.")
    try:
        return _without_empty_end(nbformat.read(path, as_version=4))
    except Exception as error:  # nbformat raises several kinds for what is not a notebook
        raise LookInsideError(f"{path.name} is no notebook ({type(error).__name__}): run `make notebooks`.") from None


def read_current(source: Path) -> Any:
    """The executed notebook beside a source. Raises LookInsideError where it is not what the source says now, too."""
    notebook = read_stored(source)
    if notebook.metadata.get("lookinside", {}).get("source_sha256") != source_hash(source):
        raise LookInsideError(f"{source.stem}.ipynb is older than its source: run `make notebooks` first.")
    return notebook


def source_hash(source: Path) -> str:
    """SHA-256 of a source's cells, blind to how the file writes them and to its header.

    JupyterLab saves both files of a pair, and with them the kernel's name, empty tags and an empty last cell.
    """
    cells = [[cell.cell_type, cell.source, kept_metadata(cell)] for cell in read_source(source).cells]
    return _sha256(cells)


def outputs_hash(notebook: Any) -> str:
    """SHA-256 of all outputs, so that a notebook saved after another run is noticed.

    It is blind to what JupyterLab changes when it saves the same outputs again.
    """
    outputs = [_as_shown(cell.get("outputs", [])) for cell in notebook.cells if cell.cell_type == "code"]
    return _sha256(outputs)


def _sha256(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _as_shown(value: Any, name: str = "") -> Any:
    """An output without metadata and line ends of pictures; 1.0 is 1, as in JavaScript."""
    if isinstance(value, dict):
        return {key: {} if key == "metadata" else _as_shown(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [_as_shown(one) for one in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and name.startswith("image/"):
        return "".join(value.split())
    return value


def fresh_notebook(source: Path) -> Any:
    """A source as a notebook to execute; cells that the stored notebook has too keep their ids."""
    notebook = read_source(source)
    if source.with_suffix(".ipynb").is_file():
        old = read_stored(source)
        old_ids = combine_inputs_with_outputs(read_source(source), old).cells
        for cell, known in zip(notebook.cells, old_ids, strict=True):
            cell.id = known.id
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    return notebook


def store(notebook: Any, source: Path) -> Path:
    """Write an executed notebook beside its source, with the hashes that the tests compare."""
    hashes = {"source_sha256": source_hash(source), "outputs_sha256": outputs_hash(notebook)}
    notebook.metadata["lookinside"] = nbformat.from_dict({**STORED, **hashes})
    path = source.with_suffix(".ipynb")
    half = path.with_suffix(".part")
    half.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    half.replace(path)
    return path
