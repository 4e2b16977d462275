"""What a chapter says of its paper: the claim on its first page, what held, and the numbers that the paper printed."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path
from typing import Any

from nbconvert.filters.markdown_mistune import MarkdownWithMath

from lookinside.course.build.export import Renderer
from lookinside.errors import LookInsideError

SECTION = re.compile(r"^## .*Paper and ours", re.MULTILINE)
END = re.compile(r"^##+ (Errata|Decisions|\d+\. Exercises)", re.MULTILINE)
VERDICT = re.compile(r"\*\*(.+?)\*\*(.*)", re.DOTALL)


def claim_of(notebook: Any) -> str:
    """The first cell of a chapter without its heading, as HTML: the paper's claim and its citation."""
    return _html(notebook.cells[0].source.partition("\n")[2])


def verdicts_of(notebook: Any) -> list[tuple[str, str]]:
    """(verdict, what was found) of each point in the section "Paper and ours", as HTML.

    Raises LookInsideError for a chapter without that section, or one without such points.
    """
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    begun = SECTION.search(text)
    if begun is None:
        raise LookInsideError('has no section "Paper and ours"')
    text = text[begun.end() :]
    ended = END.search(text)
    points = re.split(r"^- ", text[: ended.start()] if ended else text, flags=re.MULTILINE)[1:]
    found = [VERDICT.match(re.split(r"\n\n(?! )", point)[0]) for point in points]
    if not found or not all(found):
        raise LookInsideError('"Paper and ours" has points that do not begin with a verdict in bold')
    return [(_html(one[1]), _sentence(one[2])) for one in found]


def _sentence(text: str) -> str:
    html = _html(text.strip().removeprefix(":").strip())
    return re.sub(r"(<p>)([a-z])", lambda found: found[1] + found[2].upper(), html, count=1)


def _html(markdown: str) -> str:
    return MarkdownWithMath(renderer=Renderer(Counter())).render(markdown)


def printed(source: Path, constant: str, path: str) -> Any:
    """A number of the paper, as a chapter's source holds it.

    Args:
        source: the chapter's .py.
        constant: the name of a dict or tuple of plain values at the top level of a cell.
        path: the keys and places that lead to the number, with slashes between: "LeNet/3".

    Returns None where the path ends nowhere: the paper has no such row. Raises LookInsideError for an unknown constant.
    """
    value = constants_of(source).get(constant)
    if value is None:
        raise LookInsideError(f"{source.name} has no constant {constant}")
    for key in path.split("/"):
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list | tuple) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def constants_of(source: Path) -> dict[str, Any]:
    """Name -> value of the plain dicts and tuples in a chapter's source; what is no plain value inside them is None."""
    found: dict[str, Any] = {}
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target, value = node.targets[0], _value(node.value)
        elif isinstance(node, ast.AugAssign) and isinstance(node.op, ast.BitOr):
            target, value = node.target, _value(node.value)
            if isinstance(target, ast.Name) and isinstance(value, dict):
                value = found.get(target.id, {}) | value
        else:
            continue
        if isinstance(target, ast.Name) and isinstance(value, dict | tuple | list):
            found.setdefault(target.id, value)
            found[target.id] = value
    return found


def _value(node: ast.expr) -> Any:
    """A literal's value; dicts may hold other dicts by `**`."""
    if isinstance(node, ast.Dict):
        value: dict[Any, Any] = {}
        for key, one in zip(node.keys, node.values, strict=True):
            value |= (_value(one) or {}) if key is None else {_value(key): _value(one)}
        return value
    if isinstance(node, ast.Tuple | ast.List):
        return tuple(map(_value, node.elts))
    try:
        return ast.literal_eval(node)
    except ValueError:  # a name or a call
        return None
