"""The main result of a chapter, kept inside its notebook for the closing table."""

from __future__ import annotations

from typing import Any

from lookinside.errors import LookInsideError

MIME = "application/vnd.lookinside.result+json"


def record_result(sentence: str, **numbers: float) -> None:
    """Show the chapter's main result and keep it in the cell's output, where `make run` finds it.

    Args:
        sentence: at most 100 characters, for instance "balanced accuracy 0.81, landmark share 2.3".
        numbers: the figures behind it, by name.

    A chapter calls it once, in one of its last cells; a later call replaces an earlier one.
    """
    if not sentence or len(sentence) > 100 or "\n" in sentence:
        raise LookInsideError(f"record_result() wants one line of at most 100 characters, not {sentence!r}.")
    text = f"Main result: {sentence}"
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        get_ipython = lambda: None  # noqa: E731
    if get_ipython() is None:
        print(text)
        return
    result = {"sentence": sentence, "numbers": {name: float(value) for name, value in numbers.items()}}
    display({"text/plain": text, MIME: result}, raw=True)


def recorded_result(notebook: Any) -> dict[str, Any] | None:
    """The last result recorded in an executed notebook (an nbformat node), or None."""
    found = None
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            found = output.get("data", {}).get(MIME, found)
    return found
