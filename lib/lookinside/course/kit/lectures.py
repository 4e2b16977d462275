"""A chapter's lecture of 45 minutes: its slides with their minutes, what to ask and when, what is left for home."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from math import floor
from typing import Any

from lookinside.course.build.export import figures_of
from lookinside.course.build.outline import Slide, cut_of, has_cut, slides_of
from lookinside.course.kit.questions import Prediction, predictions_of

MINUTES = 45
FOR_QUESTIONS = 3
# A rule of thumb for what a slide takes before all are scaled to the lecture, in minutes.
WORDS_A_MINUTE = 130
FIGURE, TABLE, FORMULA, CODE, SHOW_OF_HANDS, REASON = 1.2, 1.2, 0.5, 0.5, 1.5, 0.5
IDEA = "The one idea to carry home: "


@dataclass(frozen=True)
class Stop:
    """A slide of the lecture.

    Attributes:
        number, whole: which slide it is in the lecture's deck and in the whole deck, from 1.
        address: where the lecture's deck opens on it.
        heading: its own, or the one that it stands under in the whole deck.
        goes_on: True where the heading is that of an earlier slide of the lecture.
        start, minutes: when it begins and how long it takes, in half minutes.
        shows: in words, what is on it besides text.
        asks, answers: the predictions asked and answered on it.
        notes: the instructor's notes, markdown; without the idea to carry home.
    """

    number: int
    whole: int
    address: str
    heading: str
    goes_on: bool
    start: float
    minutes: float
    shows: str
    asks: list[Prediction]
    answers: list[Prediction]
    notes: list[str]


@dataclass(frozen=True)
class Lecture:
    """What is said in 45 minutes, and what is not.

    Attributes:
        stops: its slides.
        idea: what to carry home, markdown; empty where no note says so.
        short: True where the chapter has a deck of 45 minutes; else its whole deck is the lecture.
        left: (number in the whole deck, heading) of the other slides that have a heading.
        later: predictions that are not asked in the lecture.
        untold: names of those that are asked, but whose answer stands on none of its slides.
        unasked: names of those whose answer stands on one, but that are not asked.
        notes_left: (number in the whole deck, heading, markdown) of notes on the other slides.
    """

    stops: list[Stop]
    idea: str
    short: bool
    left: list[tuple[int, str]] = field(default_factory=list)
    later: list[Prediction] = field(default_factory=list)
    untold: set[str] = field(default_factory=set)
    unasked: set[str] = field(default_factory=set)
    notes_left: list[tuple[int, str, str]] = field(default_factory=list)

    @property
    def minutes(self) -> float:
        """Of all slides."""
        return sum(stop.minutes for stop in self.stops)


def lecture_of(notebook: Any) -> Lecture:
    """The lecture of a chapter's stored notebook."""
    short = has_cut(notebook)
    slides = slides_of(notebook)
    predictions = predictions_of(notebook)
    chosen = cut_of(slides) if short else list(enumerate(slides, 1))
    clock = _clock([_effort(slide) for _, slide in chosen], fill=short)
    begun, stops = {whole: slide.heading for whole, slide in chosen}, []
    opening = _openings(slides)
    for number, ((whole, slide), (start, minutes)) in enumerate(zip(chosen, clock, strict=True), 1):
        address = _address([one.section for _, one in chosen[:number]])
        shown = {cell for cell, _ in slide.shown}
        goes_on = not slide.heading and begun.get(opening[whole]) == slide.above
        stops.append(
            Stop(
                *(number, whole, address, slide.heading or slide.above, goes_on, start, minutes),
                shows=_shows(slide),
                asks=[one for one in predictions if one.asked in shown],
                answers=[one for one in predictions if one.answered in shown],
                notes=_notes(slide),
            )
        )
    asked = {one.name for stop in stops for one in stop.asks}
    told = {one.name for stop in stops for one in stop.answers}
    others = [(whole, slide) for whole, slide in enumerate(slides, 1) if short and not slide.in_cut]
    said = [note for stop in stops for note in stop.notes]
    ideas = [text for slide in slides for text in _said(slide) if text.startswith(IDEA)]
    return Lecture(
        stops,
        idea=ideas[0].removeprefix(IDEA) if ideas else "",
        short=short,
        left=[(whole, slide.heading) for whole, slide in others if slide.heading],
        later=[one for one in predictions if one.name not in asked],
        untold=asked - told,
        unasked=told - asked,
        notes_left=[
            (whole, slide.heading or slide.above, one)
            for whole, slide in others
            for one in _notes(slide)
            if one not in said
        ],
    )


def _openings(slides: list[Slide]) -> dict[int, int]:
    """Number of each slide, from 1 -> that of the last slide with a heading up to it; 0 where there is none."""
    headed = [number if slide.heading else 0 for number, slide in enumerate(slides, 1)]
    return dict(enumerate(accumulate(headed, max), 1))


def _notes(slide: Slide) -> list[str]:
    return [text for text in _said(slide) if not text.startswith(IDEA)]


def _said(slide: Slide) -> list[str]:
    return [cell.source for _, cell in slide.notes]


def _parts(slide: Slide) -> dict[str, int]:
    """How much of each kind a slide shows."""
    cells = [cell for _, cell in slide.shown]
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    html = [out.get("data", {}).get("text/html", "") for cell in cells for out in cell.get("outputs", [])]
    code = [c for c in cells if c.cell_type == "code" and not {"hide-input", "guess"} & {*c.metadata.get("tags", [])}]
    return {
        "figure": sum(len(figures_of(cell)) for cell in cells),
        "table": sum("<table" in one for one in html) + len(re.findall(r"^\|[ :-]+\|", text, re.MULTILINE)),
        "formula": text.count("$$") // 2,
        "piece of code": len(code),
        "words": len(re.sub(r"\$\$.*?\$\$", "", text, flags=re.DOTALL).split()),
        "guesses": sum("guess" in cell.metadata.get("tags", []) for cell in cells),
        "answers": sum(cell.cell_type == "code" and "check(" in cell.source for cell in cells),
    }


def _effort(slide: Slide) -> float:
    """Minutes by the rule of thumb, half a minute at least."""
    has = _parts(slide)
    parts = FIGURE * has["figure"] + TABLE * has["table"] + FORMULA * has["formula"] + CODE * has["piece of code"]
    return max(0.5, has["words"] / WORDS_A_MINUTE + parts + SHOW_OF_HANDS * has["guesses"] + REASON * has["answers"])


def _clock(efforts: list[float], *, fill: bool) -> list[tuple[float, float]]:
    """(start, minutes) of each slide, in half minutes; `fill` stretches them to the lecture's time."""
    scale = (MINUTES - FOR_QUESTIONS) / sum(efforts) if fill else 1
    ends, total = [0.0], 0.0
    for effort in efforts:
        total += scale * effort
        ends.append(floor(2 * total + 0.5) / 2)
    return [(start, end - start) for start, end in pairwise(ends)]


def _shows(slide: Slide) -> str:
    has = _parts(slide)
    kinds = ("figure", "table", "formula", "piece of code")
    return ", ".join(f"{has[kind]} {kind}s" if has[kind] > 1 else kind for kind in kinds if has[kind])


def _address(sections: list[int]) -> str:
    """Of the last of some slides, by the sections of all: reveal.js counts sections, and slides in each, from 0."""
    return f"#/{len(set(sections)) - 1}/{sections.count(sections[-1]) - 1}"
