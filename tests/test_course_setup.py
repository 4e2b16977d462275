"""The set-up cell of a notebook, in a real kernel: one format a figure, one line an error, no warnings in the text."""

import pytest

from lookinside.course.build.execution import execute
from lookinside.course.build.pairs import read_source

SOURCE = """# %%
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from lookinside.course import set_up
from lookinside.errors import LookInsideError
set_up(seed=3)
print(np.random.rand(), np.float64(1 / 3), np.array([1 / 3]))

# %%
figure, axes = plt.subplots()
axes.plot([1, 2])
plt.show()
figure, axes = plt.subplots()
axes.imshow(np.random.rand(64, 64))
plt.show()

# %%
tf.get_logger().warning("retraced again")
print("said")

# %% tags=["raises-exception"]
raise KeyboardInterrupt

# %%
raise LookInsideError("there is no set of this name: fetch it.")
"""


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    folder = tmp_path_factory.mktemp("setup")
    (folder / "made.py").write_text(SOURCE)
    notebook = read_source(folder / "made.py")
    execution = execute(notebook, folder)
    assert execution.error == "In [5]: there is no set of this name: fetch it."
    return notebook.cells


def test_the_seed_and_the_number_format_are_set(cells):
    assert cells[0].outputs[0].text == "0.5507979025745755 0.3333333333333333 [0.333]\n"


def test_a_plot_is_stored_as_png_and_a_picture_as_jpeg_and_neither_twice(cells):
    formats = [sorted(output.data) for output in cells[1].outputs]
    assert formats == [["image/png", "text/plain"], ["image/jpeg", "text/plain"]]


def test_a_figure_says_how_large_its_smallest_text_is(cells):
    """Ticks of 11 points at 110 dots an inch."""
    sizes = [next(iter(output.metadata.values()))["smallest_text"] for output in cells[1].outputs]
    assert sizes == [round(11 * 110 / 72, 1)] * 2


def test_tensorflows_warnings_stay_out_of_the_text(cells):
    assert [output.text for output in cells[2].outputs] == ["said\n"]


def test_a_course_error_is_one_line_and_the_cell_has_failed(cells):
    (error,) = cells[4].outputs
    assert error.output_type == "error" and len(error.traceback) == 1
    assert error.evalue == "there is no set of this name: fetch it."


def test_a_stopped_cell_says_so_in_one_line(cells):
    (error,) = cells[3].outputs
    assert error.ename == "KeyboardInterrupt" and len(error.traceback) == 1
    assert "run it again" in error.traceback[0]
