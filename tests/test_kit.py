"""`make kit`: plans, answers and handouts say what the chapters' marks say, and its pages open anywhere."""

import re
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from headless import browser, on_a_phone, opened
from nbformat.v4 import new_markdown_cell, new_notebook

from lookinside.course import check
from lookinside.course.build.browser import print_deck
from lookinside.course.build.execution import Limits, execute
from lookinside.course.build.export import write_deck
from lookinside.course.build.pairs import fresh_notebook, read_stored, store
from lookinside.course.build.student import student_copy
from lookinside.course.grading.marks import marks_of
from lookinside.course.kit import kit
from lookinside.course.kit.facts import facts_of, parts_in
from lookinside.course.kit.lectures import FOR_QUESTIONS, MINUTES, lecture_of
from lookinside.course.kit.model_answers import model_copy
from lookinside.course.kit.pages import in_minutes
from lookinside.course.kit.questions import exercises_of, predictions_of
from lookinside.course.places import chapter_sources
from lookinside.course.predict import answers_in
from lookinside.errors import LookInsideError

every_chapter = pytest.mark.parametrize("source", chapter_sources(), ids=lambda path: path.stem)

SOURCE = """# %% [markdown] slideshow={"slide_type": "slide"} tags=["cut"]
# # A chapter

# %% [markdown] slideshow={"slide_type": "notes"}
# The one idea to carry home: look *twice*.

# %% slideshow={"slide_type": "skip"}
from lookinside.course import check

# %% [markdown] slideshow={"slide_type": "slide"} tags=["cut"]
# ## Feet
# What $x$ is.
#
# **Predict.** How many feet have
# two people?

# %% [markdown] slideshow={"slide_type": "notes"}
# Count them aloud.

# %% slideshow={"slide_type": "-"} tags=["guess"]
my_guess_feet = 2  # a pair

# %% slideshow={"slide_type": "subslide"} tags=["cut"]
check(my_guess_feet, 4.0, "Two and two. It adds up.", tolerance=0.5)

# %% [markdown] slideshow={"slide_type": "notes"}
# **Where the room goes wrong.** One person.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Left out
# Which part has toes?

# %% slideshow={"slide_type": "-"} tags=["guess"]
my_guess_part = "hand"
my_guess_told = 1

# %% slideshow={"slide_type": "subslide"} tags=["cut"]
check(my_guess_part, "foot", "It has toes.", also=["feet"])
check(my_guess_told, 1, "One.")

# %% [markdown] slideshow={"slide_type": "slide"} tags=["cut"]
# ## Asked and not told

# %% slideshow={"slide_type": "-"} tags=["guess"]
my_guess_late = True

# %% slideshow={"slide_type": "subslide"}
check(my_guess_late, True, "Because.")

# %% [markdown] slideshow={"slide_type": "notes"}
# Goes to the slide before, which is kept.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Exercises
# ### Exercise 1: double it
# Numbers can be doubled. Write `double(x)`. It is easy.

# %% [markdown] slideshow={"slide_type": "notes"}
# Said in the long lecture only.

# %% [markdown] slideshow={"slide_type": "skip"} tags=["solution"]
# Multiply.

# %% slideshow={"slide_type": "skip"} tags=["solution"]
TWO = 2

# %% slideshow={"slide_type": "skip"} tags=["solution"]
def double(x):
    return TWO * x

# %% slideshow={"slide_type": "skip"}
assert double(4) == 8
"""


@pytest.fixture(scope="module")
def chapter(tmp_path_factory):
    """A source with its executed notebook."""
    source = tmp_path_factory.mktemp("chapters") / "05_made.py"
    source.write_text(SOURCE)
    notebook = fresh_notebook(source)
    assert execute(notebook, source.parent).error is None
    store(notebook, source)
    return source


def test_what_check_prints_is_taken_apart_again(capsys):
    for guess in (0.5, 0.9, 7, "many"):
        check(guess, 0.25, "A quarter. 1.5 is more.", tolerance=0.25)
    check("hand", "ours, high", "So.")
    check("a hand", "foot", "Because.", also=["A hand"])
    check(..., 3, "No.")
    quarter = ("0.25", "A quarter. 1.5 is more.")
    assert answers_in(capsys.readouterr().out) == [quarter] * 3 + [("ours, high", "So."), ("foot", "Because.")]


def test_predictions_with_question_answer_and_what_counts(chapter):
    feet, part, told, late = predictions_of(read_stored(chapter))
    assert (feet.heading, feet.question) == ("Feet", "**Predict.** How many feet have\ntwo people?")
    assert feet.text.startswith("What $x$ is.") and (feet.guess, feet.why, feet.filled) == ("2", "a pair", "4")
    assert (feet.answer, feet.reason) == ("4", "Two and two. It adds up.")
    assert feet.accepts == "4 within 0.5; within 1.5 is close"
    assert part.question == "Which part has toes?" and part.filled == "'foot'" and "cannot tell from it" in part.accepts
    assert told.accepts == "1" and (late.heading, late.filled) == ("Asked and not told", "True")
    assert (part.asked, part.answered) == (told.asked, told.answered) == (10, 11)
    stored = read_stored(chapter)
    stored.cells[6].outputs = []
    with pytest.raises(LookInsideError, match=r"cell 7 stores 0 of 1 answers: run `make notebooks`"):
        predictions_of(stored)


def test_exercises_as_they_are_counted(chapter):
    (one,) = exercises_of(read_stored(chapter))
    assert (one.name, one.title, one.task) == ("Exercise 1", "double it", "Write `double(x)`.")
    assert one.words == "Multiply." and one.solution.startswith("TWO = 2\n\ndef double")
    assert one.tests == "assert double(4) == 8"


def test_the_notebook_with_all_answers_gets_full_marks_and_is_else_the_students(chapter, tmp_path):
    whole = fresh_notebook(chapter)
    model = model_copy(whole, {one.name: one.filled for one in predictions_of(read_stored(chapter))})
    nbformat.validate(model)
    nbformat.write(model, tmp_path / "model.ipynb")
    marks = marks_of(tmp_path / "model.ipynb", "model", {"05_made": whole}, Limits(60, 2_000_000_000))
    assert (marks.right, marks.close, marks.wrong, marks.missing) == (4, 0, 0, 0) and not marks.error
    assert (marks.passed, marks.exercises) == (1, 1)
    student = {cell.id: cell.source for cell in student_copy(whole).cells}
    differ = [cell.source.split(" =")[0] for cell in model.cells if student.get(cell.id) != cell.source]
    assert differ == ["my_guess_feet", "my_guess_part", "my_guess_late", "Multiply.", "TWO"]
    assert [cell.id for cell in model.cells if cell.source != "Multiply."] == list(student)
    assert not any("room goes wrong" in text for text in student.values())


def test_a_lecture_says_what_is_on_its_slides_and_what_is_not(chapter):
    lecture = lecture_of(read_stored(chapter))
    seen = [(one.number, one.whole, one.address, one.heading, one.goes_on) for one in lecture.stops]
    assert seen == [
        (1, 1, "#/0/0", "A chapter", False),
        (2, 2, "#/1/0", "Feet", False),
        (3, 3, "#/1/1", "Feet", True),
        (4, 5, "#/2/0", "Left out", False),  # the slide of that heading is not in the lecture
        (5, 6, "#/3/0", "Asked and not told", False),
    ]
    assert lecture.idea == "look *twice*." and lecture.short
    assert [one.notes for one in lecture.stops][1:] == [
        ["Count them aloud."],
        ["**Where the room goes wrong.** One person."],
        [],
        ["Goes to the slide before, which is kept."],
    ]
    assert lecture.notes_left == [(8, "Exercises", "Said in the long lecture only.")]
    assert (lecture.untold, lecture.unasked) == ({"my_guess_late"}, {"my_guess_part", "my_guess_told"})
    assert [one.name for one in lecture.later] == ["my_guess_part", "my_guess_told"]
    assert lecture.left == [(4, "Left out"), (8, "Exercises")]
    asks = [one.minutes for one in lecture.stops]
    assert asks[1] > asks[0] and lecture.stops[1].asks[0].name == "my_guess_feet"


@pytest.mark.chapters
@every_chapter
def test_a_plan_has_the_decks_slides_numbers_and_clock(source, tmp_path):
    notebook = read_stored(source)
    lecture = lecture_of(notebook)
    write_deck(notebook, tmp_path / "deck.html", short=lecture.short)
    deck = BeautifulSoup((tmp_path / "deck.html").read_text(encoding="utf-8"), "html.parser")
    held = {one.heading for one in lecture.stops if not one.goes_on}
    assert {one.heading for one in lecture.stops if one.goes_on} <= held  # nothing goes on that was not begun
    stacks = [one.select(":scope > section.slide") for one in deck.select(".slides > section")]
    assert [len(stacks[0]), sum(map(len, stacks))] == [lecture.stops[0].address.count("/0/"), len(lecture.stops)]
    for stop in lecture.stops:
        stack, place = map(int, re.findall(r"\d+", stop.address))
        slide = stacks[stack][place]
        assert sum(map(len, stacks[:stack])) + place + 1 == stop.number
        shown = slide.select_one("h1, h2, h3, h4") or slide.select_one(".running")
        math = [one.extract() for one in shown.select("math")] if shown else []
        words = re.findall(r"\w+", shown.get_text()) if shown else []
        assert math or words == re.findall(r"\w+", stop.heading), (stop.number, stop.heading)
        assert len(slide.select("aside.notes")) >= len(stop.notes)
        assert len([code for code in slide.select(".code") if code.get_text().lstrip().startswith("my_guess")]) == bool(
            stop.asks
        )
    assert all(after.start == before.start + before.minutes for before, after in pairwise(lecture.stops))
    assert min(one.minutes for one in lecture.stops) > 0
    assert lecture.minutes == MINUTES - FOR_QUESTIONS if lecture.short else lecture.minutes < MINUTES
    assert in_minutes(9.5) == "9:30" and in_minutes(41.0) == "41:00"


@pytest.mark.chapters
@every_chapter
def test_a_chapters_facts_are_found(source):
    facts = facts_of(source.stem, read_stored(source))
    assert float(facts.minutes) > 0 and facts.memory.endswith("GB") and facts.about and facts.claim
    if source.stem[:2] != "00":
        assert re.search(r"\d{4}", facts.citation) and facts.learns.startswith("- ") and "Figure" in facts.parts
    with pytest.raises(LookInsideError, match=r"README\.md has no row for 99_new"):
        facts_of("99_new", read_stored(source))


def test_the_papers_parts_are_read_from_headings():
    texts = [
        "Table II",
        "Tables 1, 2 and 3",
        "Figures 7 to 10: filters",
        "Figures 4, 5, 6 and 12",
        "Eq. 2",
        "Eqs. 1, 4 and 5",
        "In Figure 13",
    ]
    assert parts_in(texts) == "Equations 1, 2, 4, 5; Figures 4 to 10, 12, 13; Tables 1 to 3, II"
    assert parts_in(["Tablets 4", "Figure it out"]) == ""


@pytest.mark.chapters
def test_the_kits_pages(tmp_path, monkeypatch):
    """Phone and accessibility, no dead link, and what the folder holds; handouts are tested below."""
    browser()
    monkeypatch.setattr(kit, "find_browser", lambda: None)
    chosen = chapter_sources("02")  # tables, formulas, and an answer that its lecture does not show
    held = kit.make_kit(tmp_path, chosen)
    pages = [one.path for one in held if one.path.endswith(".html") and not one.path.startswith("slides")]
    stem = chosen[0].stem
    assert pages == ["index.html", "syllabus.html", f"plans/{stem}.html", f"answers/{stem}.html"]
    assert sorted(one.path for one in held) == sorted(
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()
    )
    for name in pages:
        page = BeautifulSoup((tmp_path / name).read_text(encoding="utf-8"), "html.parser")
        assert page.title.get_text().strip() and not page.select("[src], link")
        for link in page.select("a[href]"):
            target = ((tmp_path / name).parent / link["href"].split("#")[0]).resolve()
            assert target.is_file(), f"{name} links {link['href']}"
        width, faults = on_a_phone(tmp_path / name, tmp_path)
        assert (width, faults) == (390, []), name
    for copied in (f"students/{stem}.ipynb", f"answers/{stem}.ipynb"):
        assert "[glossary](#Words)" in (tmp_path / copied).read_text(encoding="utf-8")
    plan = (tmp_path / pages[2]).read_text(encoding="utf-8")
    assert plan.count("Ask the room") == len([1 for one in lecture_of(read_stored(chosen[0])).stops if one.asks])


def notes_deck(folder, count=5):
    """A deck of some slides, the third of which has a long note."""
    cells = [new_markdown_cell(f"## Slide {n}", metadata={"slideshow": {"slide_type": "slide"}}) for n in range(count)]
    note = new_markdown_cell("**Here** it goes wrong. " * 5, metadata={"slideshow": {"slide_type": "notes"}})
    write_deck(new_notebook(cells=[*cells[:3], note, *cells[3:]]), folder / "deck.html")
    return folder / "deck.html"


@pytest.mark.chapters
def test_a_handout_has_two_slides_a_page_and_the_notes_stand_beside_their_slide(tmp_path):
    browser()
    deck = notes_deck(tmp_path)
    for view, pages in (("handout", 3), ("notes", 2)):
        print_deck(deck, tmp_path / f"{view}.pdf", view)
        assert len(re.findall(rb"/Type\s*/Page\b", (tmp_path / f"{view}.pdf").read_bytes())) == pages
    beside = [one.get_text(strip=True) for one in opened(deck, tmp_path, "?view=notes").select(".sheet > .beside")]
    assert [bool(text) for text in beside] == [False, False, True, False, False] and "goes wrong" in beside[2]
    style = deck.read_text(encoding="utf-8")
    paper = 180 / 25.4 * 96  # pixels of A4 between its margins
    assert 0.95 * paper < 1280 * float(re.search(r"\.lined { --scale: ([\d.]+);", style)[1]) <= paper
    handout = opened(deck, tmp_path, "?view=handout")
    assert [one.get_text(strip=True) for one in handout.select(".sheet > .beside")] == [""] * 5


@pytest.mark.chapters
def test_a_problem_is_one_line(tmp_path, monkeypatch, capsys):
    source = tmp_path / "05_made.py"
    source.write_text(SOURCE)
    store(fresh_notebook(source), source)
    source.write_text(SOURCE.replace("toes", "nails"))
    monkeypatch.setattr(kit, "chapter_sources", lambda wanted=None: [source])
    monkeypatch.setattr(kit, "repository", lambda: tmp_path)
    assert kit.main([]) == 1
    assert capsys.readouterr().err == "05_made.ipynb is older than its source: run `make notebooks` first.\n"
    monkeypatch.setattr(kit, "make_kit", lambda folder, wanted: [])
    monkeypatch.setattr(kit, "find_browser", lambda: None)
    assert kit.main([]) == 0
    said = capsys.readouterr()
    assert (
        said.err.startswith("No handouts to print, there is no headless browser: install chromium")
        and "build/kit" in said.out
    )
    assert not Path(tmp_path / "build").exists()
