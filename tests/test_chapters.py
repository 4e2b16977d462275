"""Every chapter keeps the rules of a chapter, and its student's copy runs."""

import ast
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from lookinside.course.build.execution import execute
from lookinside.course.build.outline import cut_of, slides_of
from lookinside.course.build.pairs import read_source
from lookinside.course.build.rules import faults
from lookinside.course.build.student import build
from lookinside.course.places import chapter_sources

pytestmark = pytest.mark.chapters

every_chapter = pytest.mark.parametrize("source", chapter_sources(), ids=lambda path: path.stem)


@every_chapter
def test_a_chapter_keeps_the_rules(source):
    assert faults(source) == []


@every_chapter
def test_the_instructor_hears_where_the_room_goes_wrong(source):
    """Three notes or more in each deck of chapters 1 to 6, the one of 45 minutes too."""
    slides = slides_of(read_source(source))
    for deck in (slides, [slide for _, slide in cut_of(slides)]):
        notes = [cell.source for slide in deck for _, cell in slide.notes]
        found = sum(text.startswith("**Where the room goes wrong.**") for text in notes)
        assert found >= 3 or source.stem.startswith("00"), f"{found} of 3 notes in a deck of {len(deck)} slides"


@every_chapter
def test_a_students_copy_has_no_answers(source, tmp_path):
    student = nbformat.read(build(source, tmp_path), as_version=4)
    for cell in student.cells:
        assert "solution" not in cell.metadata.get("tags", [])
        assert not cell.get("outputs") and not cell.get("execution_count")
        if "guess" in cell.metadata.get("tags", []):
            assert "= ..." in cell.source
    assert "lookinside" not in student.metadata


def test_the_first_chapters_student_copy_stops_only_at_an_exercise(tmp_path):
    source = chapter_sources("00")[0]
    student = nbformat.read(build(source, tmp_path), as_version=4)
    execution = execute(student, source.parent, environment={"COURSE_QUIET": "1"}, cell_timeout=300)
    said = "".join(output.get("text", "") for cell in student.cells for output in cell.get("outputs", []))
    assert said.count("No guess yet") == sum("guess" in cell.metadata.get("tags", []) for cell in student.cells)
    unsolved = any("unsolved(" in cell.source for cell in student.cells if cell.cell_type == "code")
    assert (execution.error is not None) == unsolved, execution.error
    assert execution.error is None or "is not solved yet" in execution.error


def test_the_chapters_import_nothing_that_imports_them():
    """Arrows go one way: no file of the library imports from chapters or data_scripts."""
    library = Path(__file__).resolve().parents[1] / "lib" / "lookinside"
    for path in library.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.split(".")[0] for name in names} & {"chapters", "data_scripts"}, path


def test_the_library_is_silent_on_import():
    code = (
        "import lookinside, lookinside.course, lookinside.phantoms, lookinside.figures, sys;"
        "assert 'tensorflow' not in sys.modules, 'the light parts import TensorFlow'"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
