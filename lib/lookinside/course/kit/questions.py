"""What a chapter asks of the room: its predictions, with the answers that they accept, and its exercises."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import Any

from lookinside.course.build.outline import UNSEEN, plain, slide_mark, slides_of
from lookinside.course.grading.rebuilding import rebuilt
from lookinside.course.kit.model_answers import model_copy
from lookinside.course.predict import answers_in
from lookinside.errors import LookInsideError

_HEADING = re.compile(r"^#{1,6} .*$", re.MULTILINE)
_PREDICT = re.compile(r"^\*\*(?:Predict|Guess)", re.MULTILINE)
_SENTENCE = re.compile(r"(?<=[.?!])\)?\s+(?=[A-Z`$(])")
_TASK = re.compile(r"^(?:Then |So )?(?:write|work out|build|train|find|name|put|say|give)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Prediction:
    """A guess that the room is asked for.

    Attributes:
        name: of the variable that takes the guess.
        heading: of the slide that it stands on, or goes on under.
        text: of the slide that asks it, markdown.
        question: its last part, from the word "Predict" on, where it has one.
        answer: what was measured in the stored run.
        reason: why, as `check` says it.
        accepts: in words, which guesses count as right and as close.
        guess: what stands in the chapter, code; students see dots.
        why: the chapter's reason for this guess; empty where it gives none.
        asked, answered: numbers of the cells.
    """

    name: str
    heading: str
    text: str
    question: str
    answer: str
    reason: str
    accepts: str
    guess: str
    why: str
    asked: int
    answered: int

    @property
    def filled(self) -> str:
        """The right answer as code."""
        return repr(self.answer) if self.guess[:1] in "\"'" else self.answer


@dataclass(frozen=True)
class Exercise:
    """An exercise as `make grade` counts it.

    Attributes:
        name: "Exercise 2".
        title: what follows the name in its heading; empty where nothing does.
        text: its markdown.
        words: the solution's markdown; empty where it has none.
        solution, tests: code.
    """

    name: str
    title: str
    text: str
    words: str
    solution: str
    tests: str

    @property
    def task(self) -> str:
        """What is to be done, in a sentence or two of its text."""
        sentences = _SENTENCE.split(" ".join(self.text.split()))
        return " ".join([one for one in sentences if _TASK.match(one)] or sentences[:1])


def predictions_of(notebook: Any) -> list[Prediction]:
    """All predictions in their order.

    Args:
        notebook: a chapter's stored notebook.

    Raises:
        LookInsideError: where the stored outputs lack an answer.
    """
    guesses = {}
    for number, cell in enumerate(notebook.cells, 1):
        if "guess" in cell.metadata.get("tags", []):
            guesses |= {name: (number, *rest) for name, *rest in _guesses_in(cell.source)}
    headings = {number: slide.heading or slide.above for slide in slides_of(notebook) for number, _ in slide.cells}
    found = []
    for number, cell in enumerate(notebook.cells, 1):
        calls = _checks_in(cell.source) if cell.cell_type == "code" and "check(" in cell.source else []
        said = answers_in("".join(one.text for one in cell.get("outputs", []) if one.output_type == "stream"))
        if len(said) != len(calls):
            raise LookInsideError(f"cell {number} stores {len(said)} of {len(calls)} answers: run `make notebooks`.")
        for call, (answer, reason) in zip(calls, said, strict=True):
            name = call.args[0].id
            asked, guess, why = guesses[name]
            text = text_before(notebook, asked)
            begun = _PREDICT.search(text)
            question = text[begun.start() :] if begun else text
            accepts = _accepts(call, answer)
            found.append(
                Prediction(name, headings[asked], text, question, answer, reason, accepts, guess, why, asked, number)
            )
    return found


def text_before(notebook: Any, guess: int) -> str:
    """The last markdown that the audience has read before the cell of number `guess`, without its heading."""
    for cell in reversed(notebook.cells[: guess - 1]):
        text = _HEADING.sub("", cell.source).strip() if cell.cell_type == "markdown" else ""
        if text and slide_mark(cell) not in UNSEEN:
            return text
    return ""


def _guesses_in(code):
    """(name, value as code, the comment behind it) of each guess."""
    lines = code.splitlines()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            behind = lines[node.end_lineno - 1].encode()[node.end_col_offset :].decode().strip()
            why = behind.removeprefix("#").strip() if behind.startswith("#") else ""
            yield node.targets[0].id, ast.get_source_segment(code, node.value), why


def _checks_in(code):
    nodes = ast.walk(ast.parse(code))
    calls = [node for node in nodes if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "check"]
    return sorted(calls, key=lambda call: call.lineno)


def _accepts(call, answer):
    options = {keyword.arg: keyword.value for keyword in call.keywords}
    more = ", or what the measurement cannot tell from it" if "also" in options else ""
    tolerance = ast.literal_eval(options["tolerance"]) if "tolerance" in options else None
    if not tolerance:
        return f"{answer}{more}"
    return f"{answer} within {tolerance:g}{more}; within {3 * tolerance:g} is close"


def exercises_of(notebook: Any) -> list[Exercise]:
    """All exercises in their order, with the cells that `make grade` counts.

    Args:
        notebook: a chapter's notebook, whose cells have ids.
    """
    whole, tasks = rebuilt(notebook, model_copy(notebook, {}))
    solved = {texts[0].split(":")[0]: (texts, words) for texts, words in _solved(notebook)}
    found = []
    for task in tasks:
        (heading, text), words = solved[task.name]
        solution, tests = ("\n\n".join(whole.cells[one].source for one in some) for some in (task.answer, task.tests))
        title = plain(heading).partition(":")[2].strip()
        found.append(Exercise(task.name, title, text, words, solution, tests))
    return found


def _solved(notebook):
    """((heading, text), solution in words) of each heading that a solution follows."""
    heading, text, words = "", "", []
    for cell in notebook.cells:
        is_solution = "solution" in cell.metadata.get("tags", [])
        if is_solution and cell.cell_type == "markdown":
            words.append(cell.source)
        elif is_solution:
            yield (heading, text), "\n\n".join(words)
        elif cell.cell_type == "markdown" and (parts := _HEADING.findall(cell.source)):
            heading = parts[-1].lstrip("# ")
            text, words = _HEADING.split(cell.source)[-1].strip(), []
