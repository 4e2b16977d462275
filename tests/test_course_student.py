"""The student's copy: no solutions, no guesses, no outputs, and it still runs up to an unsolved exercise."""

import re

import nbformat
import pytest

from lookinside.course.build.execution import execute
from lookinside.course.build.pairs import fresh_notebook
from lookinside.course.build.student import build
from lookinside.course.places import chapter_sources
from lookinside.course.predict import empty_guesses

SOURCE = """# %% [markdown]
# # Title

# %%
import numpy as np
from lookinside.course import check, set_up

# %% tags=["guess"]
my_guess = 3  # the author's

# %%
check(my_guess, 4, "It is four.")

# %% [markdown]
# ### Exercise 2: double it
# Write `double`.

# %% [markdown] tags=["solution"]
# Multiply by two.

# %% tags=["solution"]
def double(x):
    return 2 * x

# %%
assert double(4) == 8
"""


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "05_made.py"
    path.write_text(SOURCE)
    return path


@pytest.mark.parametrize(
    ("code", "emptied"),
    [
        ("my_guess = 3", "my_guess = ..."),
        ("my_guess = 0.5  # half", "my_guess = ..."),
        ("my_guess_a = 1; my_guess_b = 'hand'", "my_guess_a = ...; my_guess_b = ..."),
        ("my_guess = [\n    1,\n    2,\n]\nother = 1\n", "my_guess = ...\nother = 1\n"),
        ("my_guess = 'Grüße'  # ü\nx = 'ü'  # kept", "my_guess = ...\nx = 'ü'  # kept"),
        ("x = 'ü'; my_guess = 7", "x = 'ü'; my_guess = ..."),
        ("other = my_guess", "other = my_guess"),
    ],
)
def test_guesses_are_emptied_and_nothing_else(code, emptied):
    assert empty_guesses(code) == emptied


def test_a_run_of_solution_cells_becomes_one_cell_to_write_in(source, tmp_path):
    student = nbformat.read(build(source, tmp_path / "student"), as_version=4)
    text = "\n".join(cell.source for cell in student.cells)
    assert "return 2 * x" not in text and "Multiply by two" not in text
    assert text.count("Your turn") == 1 and 'unsolved("Exercise 2")' in text
    assert student.cells[0].id == "install-the-library"
    assert len(student.cells[1:]) == len(fresh_notebook(source).cells) - 1
    nbformat.validate(student)


def test_what_gives_an_answer_away_is_folded(source, tmp_path):
    source.write_text(SOURCE.replace("# %%\ncheck", '# %% tags=["hide-input"]\ncheck'))
    student = nbformat.read(build(source, tmp_path / "student"), as_version=4)
    folded = [cell.source for cell in student.cells if cell.metadata.get("jupyter", {}).get("source_hidden")]
    assert folded == ['check(my_guess, 4, "It is four.")']


def test_a_solution_in_words_becomes_a_place_for_words(source, tmp_path):
    source.write_text(SOURCE.replace('# %% tags=["solution"]\ndef', "# %%\ndef"))
    student = nbformat.read(build(source, tmp_path / "student"), as_version=4)
    assert [cell.cell_type for cell in student.cells if "Your turn" in cell.source] == ["markdown"]


def test_it_runs_without_guesses_and_stops_at_the_exercise_with_one_sentence(source, tmp_path):
    student = nbformat.read(build(source, tmp_path / "student"), as_version=4)
    execution = execute(student, tmp_path)
    assert student.cells[4].outputs[0].text.startswith("No guess yet")
    assert execution.error.startswith("In [5]: Exercise 2 is not solved yet: write your answer")


def test_a_solved_copy_runs_to_its_end(source, tmp_path):
    student = nbformat.read(build(source, tmp_path / "student"), as_version=4)
    for cell in student.cells:
        if "Your turn" in cell.source:
            cell.source = "double = lambda x: x + x"
    assert execute(student, tmp_path).error is None


GLOSSARY = """# %% [markdown]
# # Start
# - **step** (0): not of the glossary.

# %% [markdown]
# ## Glossary
# - **step** (1): one
#   batch. (Not two.) **Fold** (6): a part. It comes later.
# - **Zebra** (0): has stripes.
# - **never used** (0): left out.
# - **head** (6): later too.

# %% [markdown]
# - **CAM** (6): later, but needed. **Grad-CAM** (5): the same, (2 x 2. More.)
"""


def test_a_copy_closes_with_the_words_that_it_uses_and_its_link_to_the_glossary_leads_there(source, tmp_path):
    source.with_name("00_start.py").write_text(GLOSSARY)
    link = "# Words stand in the [glossary](00_start.ipynb#Glossary). Steps of a\n# fold, a head, a zebra and Grad-CAM."
    source.write_text(SOURCE.replace("# # Title", f"# # Title\n{link}"))
    student = nbformat.read(build(source, tmp_path / "student"), as_version=4)
    nbformat.validate(student)
    assert "[glossary](#Words)" in student.cells[1].source
    heading, _, words = student.cells[-1].source.partition("\n- ")
    assert heading.startswith("## Words\n")
    assert words.split("\n- ") == [
        "**CAM** (6): later, but needed. **Grad-CAM** (5): the same, (2 x 2. More.)",
        "**step** (1): one batch. (Not two.)",
        "**Zebra** (0): has stripes.",
    ]
    assert "[glossary](00_start.ipynb#Glossary)" in fresh_notebook(source).cells[0].source


@pytest.mark.parametrize("source", chapter_sources(), ids=lambda path: path.stem)
def test_every_link_of_a_copy_leads_to_a_heading_of_its_own_or_out(source, tmp_path):
    student = nbformat.read(build(source, tmp_path), as_version=4)
    text = "\n".join(cell.source for cell in student.cells if cell.cell_type == "markdown")
    headings = [words.strip().replace(" ", "-") for words in re.findall(r"^#+ (.+)$", text, re.MULTILINE)]
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    assert [link for link in links if not link.startswith("https://") and link[1:] not in headings] == []
    words = text.partition("\n## Words\n")[2].count("\n- **")
    assert "#Words" in links and words > 20 if not source.name.startswith("00") else not words
