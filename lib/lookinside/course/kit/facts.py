"""What the syllabus says of a chapter, each fact from its one source: README's table, its head, its headings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from lookinside.course.build.outline import headings_of, title_of
from lookinside.course.places import repository
from lookinside.errors import LookInsideError

_ROW = re.compile(r"^\| \[[^\]]*\]\(chapters/(\w+)\.ipynb\) \|(.*)\|$", re.MULTILINE)
_BUILT = "**What you will have built**"
_CLAIM = "**The paper's claim.**"
_PARTS = {"Equation": r"Eqs?\.|Equations?", "Figure": "Figures?", "Table": "Tables?"}
_NUMBER = r"(?:\d+|[IV]+)\b"


@dataclass(frozen=True)
class Facts:
    """A chapter for the syllabus; all texts are markdown.

    Attributes:
        title: plain text.
        about: the paper and what comes of it, in a line.
        claim: the paper's, or what the page is about.
        citation: of the paper; empty for a chapter without one.
        parts: the paper's parts that its headings and `learns` name, as "Figures 1 to 4; Table 1".
        learns: list of what a student will have built; empty where the head has none.
        minutes, memory, gpu: measured, as README's table has them.
    """

    title: str
    about: str
    claim: str
    citation: str
    parts: str
    learns: str
    minutes: str
    memory: str
    gpu: str


def facts_of(stem: str, notebook: Any) -> Facts:
    """The facts of a chapter. Raises LookInsideError where README's table has no row for it."""
    paragraphs = notebook.cells[0].source.split("\n\n")
    claims = [one.removeprefix(_CLAIM).strip() for one in paragraphs if one.startswith(_CLAIM)]
    built = [cell.source.split("\n\n") for cell in notebook.cells[:4] if cell.source.startswith(_BUILT)]
    learns = built[0][1] if built else ""
    about, minutes, memory, gpu = _row(stem)
    return Facts(
        *(title_of(notebook), about),
        claim=claims[0] if claims else paragraphs[1],
        citation=paragraphs[-1] if claims else "",
        parts=parts_in([*(text for _, text in headings_of(notebook.cells)), learns]) if claims else "",
        learns=learns,
        minutes=minutes,
        memory=memory,
        gpu=gpu,
    )


def _row(stem):
    rows = dict(_ROW.findall((repository() / "README.md").read_text(encoding="utf-8")))
    if stem not in rows:
        raise LookInsideError(f"README.md has no row for {stem} in its table of chapters: add one.")
    return [value.strip() for value in rows[stem].split("|")]


def parts_in(texts: list[str]) -> str:
    """Which equations, figures and tables some texts name: "Equations 1 to 5; Figures 3, 4; Table II"."""
    named = []
    for kind, word in _PARTS.items():
        numbers: set[int] = set()
        roman: set[str] = set()
        several = rf"{_NUMBER}(?:(?:,| and|, and| to) {_NUMBER})*"
        for found in re.findall(rf"\b(?:{word})\s+({several})", "\n".join(texts)):
            for first, last in re.findall(r"(\d+)(?: to (\d+))?", found):
                numbers |= set(range(int(first), int(last or first) + 1))
            roman |= set(re.findall("[IV]+", found))
        labels = [*_runs(sorted(numbers)), *sorted(roman)]
        if labels:
            named.append(f"{kind}{'s' * (len(numbers) + len(roman) > 1)} {', '.join(labels)}")
    return "; ".join(named)


def _runs(numbers):
    """1, 2, 3, 5 as "1 to 3", "5"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return [text for run in runs for text in ([f"{run[0]} to {run[-1]}"] if len(run) > 2 else map(str, run))]
