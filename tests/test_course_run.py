"""The chapter runner: the closing table and the exit status, whatever happens to a chapter."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lookinside.course.build.execution import execute, one_line
from lookinside.course.build.pairs import read_source
from lookinside.course.build.run import INTERRUPTED, closing_table, run_chapters

GOOD = """# %% [markdown]
# # A good one with $x^2$

# %%
import sys
from lookinside.course import progress, record_result
print("first", end=" ")
print("second")
print("a " + "warning", file=sys.stderr)
for step in progress(range(3), "stepping"):
    pass

# %%
record_result("nine of ten", share=0.9)
"""
BAD = "# %%\nprint('here')\n\n# %%\nraise ValueError('wrong shape\\nand more')\n\n# %%\nprint('never')\n"
REFUSED = (
    "# %%\nimport IPython\nfrom lookinside.course.setup import _one_line\n"
    "from lookinside.errors import LookInsideError\n"
    "IPython.get_ipython().set_custom_exc((LookInsideError,), _one_line)\n\n"
    "# %%\nraise LookInsideError('no set: fetch it.')\n"
)
KILLED = "# %%\nimport os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n"


def write(folder: Path, **sources: str) -> list[Path]:
    paths = []
    for name, text in sources.items():
        paths.append(folder / f"{name}.py")
        paths[-1].write_text(text)
    return paths


def test_the_next_chapter_runs_after_one_that_fails(tmp_path, capsys):
    sources = write(tmp_path, bad=BAD, killed=KILLED, refused=REFUSED, unreadable="", good=GOOD)
    sources[3].write_bytes(b"# %%\nprint('\xff')\n")
    assert run_chapters(sources, tmp_path / "pages") == 1
    table = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert "FAILED In [2]: ValueError: wrong shape" in table["bad"] and "and more" not in table["bad"]
    assert "FAILED In [1]: the kernel was killed" in table["killed"]
    assert table["refused"].endswith("FAILED In [2]: no set: fetch it.")
    assert table["good"].endswith("nine of ten")
    assert "FAILED unreadable.py is no py:percent notebook" in table["unreadable"]
    assert float(table["good"].split()[2]) > 0 and table["good"].split()[3] == "GB"
    page = (tmp_path / "pages" / "good.html").read_text()
    assert "<math" in page and "first second" in page and "a warning" not in page
    assert "wrong shape" in (tmp_path / "pages" / "bad-unfinished.html").read_text()


def test_all_good_is_exit_status_zero(tmp_path):
    assert run_chapters(write(tmp_path, good=GOOD), tmp_path / "pages") == 0


def test_a_page_for_each_data_set_and_none_is_lost(tmp_path):
    """Another set, or a run that fails, does not take the place of a whole page."""
    good, pages = write(tmp_path, good=GOOD), tmp_path / "pages"
    run_chapters(good, pages)
    run_chapters(good, pages, {"COURSE_DATASET": "data/unifesp"})
    run_chapters(write(tmp_path, good=BAD), pages)
    assert sorted(path.name for path in pages.glob("*.html")) == [
        "good-unfinished.html",
        "good-unifesp.html",
        "good.html",
    ]
    assert "first second" in (pages / "good.html").read_text()


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_the_table(tmp_path, kind):
    began = tmp_path / "began"
    slow = f"# %%\nimport pathlib, time\npathlib.Path({str(began)!r}).touch()\ntime.sleep(120)\n"
    sources = write(tmp_path, one="# %%\nprint(1)\n", two=slow, three="# %%\nprint(3)\n")
    code = (
        "import signal, sys; from pathlib import Path; from lookinside.course.build.run import run_chapters;"
        "signal.signal(signal.SIGINT, signal.default_int_handler);"  # a shell's background job ignores it
        "sys.exit(run_chapters(list(map(Path, sys.argv[2:])), Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", code, tmp_path / "pages", *sources]
    runner = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 60
        while not began.exists() and time.monotonic() < deadline and runner.poll() is None:
            time.sleep(0.1)
        runner.send_signal(kind)
        out, err = runner.communicate(timeout=60)
    finally:
        runner.kill()
    assert runner.returncode == INTERRUPTED, err
    rows = {line.split()[0]: line for line in out.splitlines() if line.strip()}
    assert rows["one"].endswith("ran to its end")
    assert rows["two"].endswith("INTERRUPTED")
    assert rows["three"].endswith("not run")
    assert "Traceback" not in err


def test_memory_is_that_of_the_kernel_and_its_children(tmp_path):
    (source,) = write(tmp_path, big="# %%\nblock = bytearray(300_000_000)\nimport time\ntime.sleep(0.6)\n")
    assert execute(read_source(source), tmp_path).peak_bytes > 300_000_000


def test_outputs_keep_standard_output_whole_and_no_error_stream(tmp_path):
    (source,) = write(tmp_path, good=GOOD)
    notebook = read_source(source)
    seen = []
    assert execute(notebook, tmp_path, environment={"COURSE_QUIET": "0"}, on_error_text=seen.append).error is None
    assert [output.name for output in notebook.cells[1].outputs] == ["stdout"]
    assert notebook.cells[1].outputs[0].text == "first second\n"
    assert "a warning" in "".join(seen) and "stepping" in "".join(seen)


def test_an_error_is_one_line_of_limited_length():
    assert one_line("ValueError", "\x1b[31mred\x1b[0m\nmore") == "ValueError: red"
    assert one_line("LookInsideError", "mend it.") == "mend it."
    assert one_line("KeyError", "") == "KeyError"
    assert len(one_line("ValueError", "x" * 500)) == 200


def test_an_empty_table_has_its_heading():
    assert closing_table([]).splitlines()[0].split() == ["chapter", "minutes", "memory", "main", "result"]
