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


def read_source(path: Path) -> Any:
    """A py:percent source as a notebook node without outputs. Raises LookInsideError where it cannot be read."""
    try:
        notebook = jupytext.read(path)
    except Exception as error:  # jupytext's own kinds: a broken header or cell marker
        raise LookInsideError(f"{path.name} is no py:percent notebook: {str(error).splitlines()[0]}") from None
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({key: cell.metadata[key] for key in KEPT_METADATA if key in cell.metadata})
    return notebook


def read_stored(source: Path) -> Any:
    """The executed notebook beside a source. Raises LookInsideError where it is missing or broken."""
    path = source.with_suffix(".ipynb")
    if not path.is_file():
        raise LookInsideError(f"{path.name} is missing: run `make notebooks CHAPTER={source.name[:2]}`.")
    try:
        return nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat raises several kinds for what is not a notebook
        raise LookInsideError(f"{path.name} is no notebook ({type(error).__name__}): run `make notebooks`.") from None


def source_hash(source: Path) -> str:
    """SHA-256 of a source's text, the same whatever its line ends."""
    return hashlib.sha256(source.read_text(encoding="utf-8").encode()).hexdigest()


def outputs_hash(notebook: Any) -> str:
    """SHA-256 of all outputs, so that a notebook saved after another run is noticed."""
    outputs = [cell.get("outputs", []) for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256(json.dumps(outputs, sort_keys=True).encode()).hexdigest()


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
