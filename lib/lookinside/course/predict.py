"""Predict, then run: the check that answers a guess with a reason, and the stop for an unsolved exercise."""

from __future__ import annotations

import ast
import math
import numbers
import re
from typing import Any, NoReturn

from lookinside.errors import LookInsideError

# What `check` has printed, taken apart again; an answer holds no full stop with a space behind it.
_SAID = re.compile(
    r"^(?:Right|Close|Not this time): you said .*?, it is (?P<answer>.*?)\. (?P<reason>.*)$"
    r"|^Right: you said .*?; (?P<rival>.*?) is right too\. (?P<why>.*)$",
    re.MULTILINE,
)


_QUOTED_NUMBER = re.compile(r"\s*[+-]?\d*[.,]?\d+\s*")


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _plain(value: Any) -> Any:
    """NumPy scalars and arrays as Python values, so that they print and compare plainly."""
    return value.tolist() if hasattr(value, "tolist") else value


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _same(guess: Any, answer: Any) -> bool:
    if isinstance(guess, str) and isinstance(answer, str):
        return guess.strip().casefold() == answer.strip().casefold()
    if isinstance(answer, bool) != isinstance(guess, bool):
        return False
    return guess == answer


def _kind_asked(guess: Any, answer: Any) -> str | None:
    """What to write, where a guess is of another kind than the answer; None where it can be compared."""
    if _is_number(answer) and not (_is_number(guess) and math.isfinite(guess)):
        return f"not a number: write {_as_number(guess)}"
    if isinstance(answer, bool) and not isinstance(guess, bool):
        return "not True or False: write one of these, without quotes"
    if isinstance(answer, str) and not isinstance(guess, str):
        return "not a word: write one that the question names, in quotes"
    return None


def _as_number(guess: Any) -> str:
    if isinstance(guess, tuple) and len(guess) == 2 and all(type(part) is int for part in guess):
        meant = f"{guess[0]}.{guess[1]}"  # 0,3 without quotes is a pair to Python
    elif isinstance(guess, str) and _QUOTED_NUMBER.fullmatch(guess):
        meant = guess.strip().replace(",", ".")
    else:
        return "one with digits and without quotes, such as 2 or 0.5"
    return f"{meant:.20}, {'with a point and ' * ('.' in meant)}without quotes"


def check(guess: Any, answer: Any, reason: str, *, tolerance: float | None = None, also: Any = None) -> None:
    """Grade a prediction and print the reason.

    A guess of another kind than the answer, "0,3" for a number say, is none yet: what to write is said, and no answer.

    Args:
        guess: the student's prediction; `...`, None or empty quotes mean that there is none yet; the notebook goes on.
        answer: the measured value: a number, a string (case is ignored), a bool, or anything that compares with `==`.
        reason: one or two sentences that say why the answer is what it is.
        tolerance: for numbers, how far a right guess may be away, in the answer's units; up to three times as far
            counts as close. None asks for equality.
        also: another answer that stands, or a list of them, where the measurement cannot tell them apart.
    """
    guess, answer = _plain(guess), _plain(answer)
    if guess is None or guess is ... or (isinstance(guess, str) and guess.strip() in ("", "...")):
        print("No guess yet: put one in place of the dots, run that cell, and then this one.")
        return
    others = also if isinstance(also, (list, tuple)) else [] if also is None else [also]
    if not _same(guess, answer) and any(_same(guess, _plain(other)) for other in others):
        print(f"Right: you said {_shown(guess)}; {_shown(answer)} is right too. {reason}")
        return
    if tolerance is not None and not _is_number(answer):
        raise LookInsideError(f"check(tolerance={tolerance}) needs a number as answer, not {answer!r}.")
    if asked := _kind_asked(guess, answer):
        print(f"Your guess {guess!r:.60} is {asked}; then run that cell and this one again.")
        return
    # A tenth of a millionth of slack, so that 0.3 is within 0.1 of 0.2 whatever the binary digits say.
    slack = None if tolerance is None else tolerance * (1 + 1e-7) + 1e-12
    if slack is None:
        verdict = "Right" if _same(guess, answer) else "Not this time"
    else:
        distance = abs(guess - answer)
        verdict = "Right" if distance <= slack else "Close" if distance <= 3 * slack else "Not this time"
    print(f"{verdict}: you said {_shown(guess)}, it is {_shown(answer)}. {reason}")


def answers_in(printed: str) -> list[tuple[str, str]]:
    """(answer, reason) of every verdict of `check` in a printed text, in order."""
    return [tuple(part for part in found.groups() if part is not None) for found in _SAID.finditer(printed)]


def without_answers(printed: str) -> str:
    """What a printed text says besides the verdicts of `check`."""
    return _SAID.sub("", printed).strip()


def empty_guesses(code: str) -> str:
    """Put `...` in place of the value of every `my_guess... = value`; the rest of the code stays as it is."""
    return with_guesses(code, {})


def with_guesses(code: str, values: dict[str, str]) -> str:
    """Put code in place of the value of every `my_guess... = value`, by its name; `...` without one."""
    lines = code.encode().splitlines(keepends=True)
    assignments = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Assign)]
    for node in sorted(assignments, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        guesses = [name for name in names if name.startswith("my_guess")]
        if guesses:
            first, last = node.value.lineno - 1, node.value.end_lineno - 1
            # ast counts columns in bytes of UTF-8.
            head, tail = lines[first][: node.value.col_offset], lines[last][node.value.end_col_offset :]
            if tail.lstrip().startswith(b"#"):  # the reason for a guess is half of it
                tail = b"\n" if tail.endswith(b"\n") else b""
            lines[first : last + 1] = [head + values.get(guesses[0], "...").encode() + tail]
    return b"".join(lines).decode()


def unsolved(exercise: str) -> NoReturn:
    """Stop a notebook at an exercise nobody has written yet; the student's copy calls it. Raises LookInsideError."""
    raise LookInsideError(
        f"{exercise} is not solved yet: write your answer in this cell in place of the call to unsolved()."
    )
