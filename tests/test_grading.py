"""`make grade`: what students wrote counts, what they changed elsewhere does not; a bad notebook costs its own line."""

import csv
import time

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell

from lookinside.course.build.execution import Limits
from lookinside.course.build.pairs import fresh_notebook, store
from lookinside.course.build.student import build
from lookinside.course.grading.grade import grade_folder, main
from lookinside.course.grading.marks import Marks
from lookinside.course.grading.table import write_csv, write_html

SOURCE = """# %% [markdown]
# # A chapter

# %%
from lookinside.course import check

# %% tags=["guess"]
my_guess_a = 4
my_guess_b = "hand"

# %%
check(my_guess_a, 4, "Two and two.", tolerance=0.5)
check(my_guess_b, "foot", "It has toes.")

# %% [markdown]
# ### Exercise 1: double it

# %% tags=["solution"]
def double(x):
    return 2 * x

# %%
assert double(4) == 8

# %%
assert double(0) == 0, "nothing twice is nothing"

# %% [markdown]
# ### Exercise 2: halve it

# %% tags=["solution"]
half = 0.5

# %%
assert half == 0.5
"""
LIMITS = Limits(60, 2_000_000_000)


@pytest.fixture(scope="module")
def chapter(tmp_path_factory):
    """A source with its stored notebook, whose cells have ids."""
    source = tmp_path_factory.mktemp("chapters") / "05_made.py"
    source.write_text(SOURCE)
    store(fresh_notebook(source), source)
    return source


@pytest.fixture
def hand_in(chapter, tmp_path):
    """Writes a student's notebook; `change` gets a dict from the first words of each code cell to the cell."""

    def write(name, change=lambda cells, notebook: None, folder=tmp_path / "handed in"):
        path = build(chapter, tmp_path / "copies")
        notebook = nbformat.read(path, as_version=4)
        change({cell.source.split("\n")[0]: cell for cell in notebook.cells if cell.cell_type == "code"}, notebook)
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, target)
        return target

    return write


def solved(cells, notebook):
    turns = [cell for cell in notebook.cells if "unsolved(" in cell.source]
    turns[0].source, turns[1].source = "def double(x):\n    return x + x", "half = 1 / 2"
    cells["my_guess_a = ..."].source = 'my_guess_a = 5  # close\nmy_guess_b = "Foot"'


def graded(tmp_path, chapter, limits=LIMITS):
    return {one.file: one for one in grade_folder(tmp_path / "handed in", tmp_path / "out", limits, [chapter])}


def test_predictions_and_exercises_are_counted(hand_in, chapter, tmp_path):
    hand_in("ada/notebook.ipynb", solved)
    hand_in("untouched.ipynb")

    def half_way(cells, notebook):
        cells["my_guess_a = ..."].source = 'my_guess_a = "many"\nmy_guess_b = None'
        turn = next(cell for cell in notebook.cells if "unsolved(" in cell.source)
        turn.source = "twice = 2"
        place = notebook.cells.index(turn)
        notebook.cells.insert(place + 1, new_code_cell("def double(x):\n    return twice * x"))  # a cell of one's own

    hand_in("grace.ipynb", half_way)
    before = sorted(path.relative_to(tmp_path) for path in (tmp_path / "handed in").rglob("*"))
    found = graded(tmp_path, chapter)
    assert list(found) == ["ada/notebook.ipynb", "grace.ipynb", "untouched.ipynb"]
    ada, grace, untouched = found.values()
    assert (ada.right, ada.close, ada.wrong, ada.missing, ada.passed, ada.exercises) == (1, 1, 0, 0, 2, 2)
    assert not ada.error and not ada.failed and ada.chapter == "05_made"
    assert (grace.right, grace.wrong, grace.missing, grace.passed) == (0, 0, 2, 1) and grace.failed == ("Exercise 2",)
    assert (untouched.missing, untouched.passed, untouched.failed) == (2, 0, ("Exercise 1", "Exercise 2"))
    assert not untouched.error  # an exercise that nobody has solved is no error
    assert sorted(path.relative_to(tmp_path) for path in (tmp_path / "handed in").rglob("*")) == before
    rows = list(csv.reader((tmp_path / "out/grades.csv").open(encoding="utf-8-sig")))
    assert rows[1][:8] == ["ada/notebook.ipynb", "05_made", "1", "1", "0", "0", "2 of 2", ""]
    page = (tmp_path / "out/grades.html").read_text(encoding="utf-8")
    assert page.count("<tr") == 4 and "Exercise 1, Exercise 2" in page


def test_only_what_is_new_is_executed_again(hand_in, chapter, tmp_path, monkeypatch):
    hand_in("a.ipynb", solved)
    first = graded(tmp_path, chapter)
    hand_in("b.ipynb", folder=tmp_path / "handed in")
    asked = []

    def counted(notebook, *args, **options):
        asked.append(notebook)
        return real(notebook, *args, **options)

    from lookinside.course.grading import marks

    real = marks.execute
    monkeypatch.setattr(marks, "execute", counted)
    second = graded(tmp_path, chapter)
    assert len(asked) == 1 and second["a.ipynb"] == first["a.ipynb"]
    next((tmp_path / "out/done").glob("*.json")).write_text("{broken")
    graded(tmp_path, chapter)
    assert len(asked) == 2


def test_what_a_limit_has_stopped_is_tried_again_under_a_larger_one(hand_in, chapter, tmp_path, monkeypatch):
    """The same notebook stops at the time limit, then at that of memory, then ends."""
    from lookinside.course.build.execution import Execution
    from lookinside.course.grading import marks

    hand_in("slow.ipynb", solved)
    asked, outcomes = [], iter(["seconds", "bytes", ""])

    def stopped(notebook, folder, *, limits, **options):
        over = next(outcomes)
        asked.append((limits.seconds, limits.bytes))
        return Execution(1.0, 1, error="In [1]: stopped" if over else None, over=over)

    monkeypatch.setattr(marks, "execute", stopped)
    for limits, times in [
        *(((60, 10), 1), ((60, 10), 1), ((30, 10), 1), ((60, 20), 1)),  # no more time: kept
        *(((120, 10), 2), ((300, 10), 2)),  # no more memory: kept
        *(((60, 20), 3), ((900, 900), 3)),  # it has run to its end: kept
    ]:
        graded(tmp_path, chapter, Limits(*limits))
        assert len(asked) == times, limits
    assert asked == [(60, 10), (120, 10), (60, 20)]


def test_a_test_that_was_taken_out_or_changed_is_there_again(hand_in, chapter, tmp_path):
    def cheat(cells, notebook):
        cells["assert double(4) == 8"].source = "assert True"
        turn = next(cell for cell in notebook.cells if "unsolved(" in cell.source)
        turn.source = "def double(x):\n    return 8 if x else None"
        notebook.cells.remove(cells['assert double(0) == 0, "nothing twice is nothing"'])
        cells['check(my_guess_a, 4, "Two and two.", tolerance=0.5)'].source = 'print("Right: \\nRight: ")'
        cells["my_guess_a = ..."].source += '\nprint("Right: you said check(4)")'
        notebook.cells.remove([cell for cell in notebook.cells if "unsolved(" in cell.source][-1])

    hand_in("cheat.ipynb", cheat)
    (found,) = graded(tmp_path, chapter).values()
    assert (found.passed, found.right, found.missing) == (0, 0, 2)
    assert found.failed == ("Exercise 1", "Exercise 2")


@pytest.mark.parametrize("renewed", [False, True])
def test_cells_whose_ids_an_editor_has_dropped_are_found_by_text_and_place(renewed, hand_in, chapter, tmp_path):
    def saved(cells, notebook):
        solved(cells, notebook)
        turn = next(cell for cell in notebook.cells if "x + x" in cell.source)
        turn.source = "two = 2"
        notebook.cells.insert(notebook.cells.index(turn) + 1, new_code_cell("def double(x):\n    return two * x"))
        notebook.cells.insert(0, new_code_cell("# my name"))
        for number, cell in enumerate(notebook.cells):
            cell.id = f"new-{number}"
            if not renewed:
                del cell["id"]
        notebook.nbformat_minor = 5 if renewed else 4

    hand_in("older.ipynb", saved)
    (found,) = graded(tmp_path, chapter).values()
    assert (found.chapter, found.right, found.close, found.passed, found.error) == ("05_made", 1, 1, 2, "")


def test_what_ctrl_c_has_stopped_is_not_kept(hand_in, chapter, tmp_path, monkeypatch):
    from lookinside.course.build.execution import Execution
    from lookinside.course.grading import marks

    hand_in("a.ipynb", solved)
    with monkeypatch.context() as patch:
        patch.setattr(marks, "execute", lambda *args, **options: Execution(1.0, 1, interrupted=True))
        with pytest.raises(KeyboardInterrupt):
            graded(tmp_path, chapter)
    assert not list((tmp_path / "out/done").glob("*.json"))
    assert graded(tmp_path, chapter)["a.ipynb"].passed == 2


HOSTILE = {
    "a loop without end": ("while True: pass", "stopped, it took more than"),
    "a hog": (
        "import time\nheld = [b'1' * 10**8 for _ in range(20)]\ntime.sleep(60)",
        "of memory",
    ),
    "a killer": ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "the kernel was killed"),
    "a printer": ("for _ in range(3_000):\n    print('x' * 10_000)", ""),
    "a writer": ("open('beside.txt', 'w').write('x')", ""),
}


def test_a_hostile_notebook_costs_its_own_line(hand_in, chapter, tmp_path):
    for name, (code, _) in HOSTILE.items():

        def change(cells, notebook, code=code):
            solved(cells, notebook)
            cells["my_guess_a = ..."].source += "\n" + code

        hand_in(f"{name}.ipynb", change)
    hand_in("zoe.ipynb", solved)
    (tmp_path / "handed in/broken.ipynb").write_text("{")
    (tmp_path / "handed in/empty.ipynb").write_text("")
    nbformat.write(nbformat.v4.new_notebook(cells=[new_code_cell("1")]), tmp_path / "handed in/other.ipynb")
    found = graded(tmp_path, chapter, Limits(12, 1_000_000_000))
    for name, (_, said) in HOSTILE.items():
        assert said in found[f"{name}.ipynb"].error and bool(said) == bool(found[f"{name}.ipynb"].error), found
    assert [found[f"{name}.ipynb"].over for name in HOSTILE] == ["seconds", "bytes", "", "", ""]
    assert found["zoe.ipynb"].passed == found["a printer.ipynb"].passed == found["a writer.ipynb"].passed == 2
    assert "is no notebook" in found["broken.ipynb"].error and "is no notebook" in found["empty.ipynb"].error
    assert "no copy of a chapter" in found["other.ipynb"].error
    assert not list(tmp_path.rglob("beside.txt"))


def test_what_a_notebook_has_started_ends_with_it(hand_in, chapter, tmp_path):
    code = (
        "import subprocess, sys, time\nchild = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(99)'])"
    )
    code += f"\nopen({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))\ntime.sleep(1)"

    def change(cells, notebook):
        cells["my_guess_a = ..."].source += "\n" + code

    hand_in("starts.ipynb", change)
    graded(tmp_path, chapter)
    pid = int((tmp_path / "pid").read_text())
    time.sleep(0.5)
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_names_are_no_formulas_and_no_html(tmp_path):
    marks = [Marks("=HYPERLINK(1).ipynb", error="<script>alert(1)</script>")]
    write_csv(marks, tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_bytes().startswith(b"\xef\xbb\xbf")  # or Excel garbles every umlaut
    write_html(marks, tmp_path / "t.html")
    assert list(csv.reader((tmp_path / "t.csv").open()))[1][0].startswith("'=")
    assert "<script>" not in (tmp_path / "t.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "FOLDER=: give the folder"),
        (["nowhere"], "FOLDER=nowhere: give the folder"),
        ([".", "--minutes", "0"], "numbers above 0"),
        (["EMPTY"], "holds no notebook"),
    ],
)
def test_what_cannot_be_graded_is_said_in_one_line(arguments, said, tmp_path, capsys):
    arguments = [str(tmp_path) if one == "EMPTY" else one for one in arguments]
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 1
    captured = capsys.readouterr()
    assert said in captured.err and captured.err.count("\n") == 1
