"""The chapter runner: the closing table and the exit status, whatever happens to a chapter."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from lookinside.course.build import run
from lookinside.course.build.execution import execute, one_line
from lookinside.course.build.pairs import read_source
from lookinside.course.build.run import INTERRUPTED, closing_table, run_chapters

GOOD = """# %% [markdown]
# # A good one with $x^2$

# %%
import warnings
from lookinside.course.warned import show_warnings
show_warnings()
show_warnings()
class DataWarning(UserWarning):
    pass
for name in ("feet", "hands"):
    warnings.warn(f"{name} has no <test/>:\\n15 % held back", DataWarning)
warnings.warn("an old name", DeprecationWarning)

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
    closing = capsys.readouterr().out.split("\n\n")[0]
    table = {line.split()[0]: line for line in closing.splitlines() if line.strip()}
    assert "FAILED In [2]: ValueError: wrong shape" in table["bad"] and "and more" not in table["bad"]
    assert "FAILED In [1]: the kernel was killed" in table["killed"]
    assert table["refused"].endswith("FAILED In [2]: no set: fetch it.")
    assert table["good"].endswith("nine of ten")
    assert "FAILED unreadable.py is no py:percent notebook" in table["unreadable"]
    minutes, memory, unit, warned = table["good"].split()[1:5]
    assert float(minutes) >= 0 and float(memory) > 0 and (unit, warned) == ("GB", "2")
    page = (tmp_path / "pages" / "good.html").read_text()
    assert "<math" in page and "first second" in page and "a warning" not in page
    assert "wrong shape" in (tmp_path / "pages" / "bad-unfinished.html").read_text()


def test_a_warning_is_on_the_page_and_below_the_table(tmp_path, capsys):
    run_chapters(write(tmp_path, good=GOOD), tmp_path / "pages")
    said = capsys.readouterr().out
    assert "good warned: hands has no <test/>: 15 % held back\n" in said and "an old name" not in said
    page = BeautifulSoup((tmp_path / "pages" / "good.html").read_text(), "html.parser")
    assert [box.get_text().split(maxsplit=2)[:2] for box in page.select(".warning")] == [
        ["Warning:", "feet"],
        ["Warning:", "hands"],
    ]


def test_a_warning_that_a_cell_is_about_is_on_the_page_and_not_counted(tmp_path, capsys):
    taught = GOOD + '\n# %% tags=["warns"]\nwarnings.warn("one map is empty")\n'
    run_chapters(write(tmp_path, taught=taught), tmp_path / "pages")
    said = capsys.readouterr().out
    row = next(line for line in said.splitlines() if line.startswith("taught"))
    assert row.split()[4] == "2" and "one map" not in said
    assert "one map is empty" in (tmp_path / "pages" / "taught.html").read_text()


def test_all_good_is_exit_status_zero(tmp_path):
    assert run_chapters(write(tmp_path, good=GOOD), tmp_path / "pages") == 0


def test_a_page_for_each_data_set_and_none_is_lost(tmp_path):
    """Another set, or a run that fails, does not take the place of a whole page."""
    good, pages = write(tmp_path, good=GOOD), tmp_path / "pages"
    run_chapters(good, pages)
    run_chapters(good, pages, {"COURSE_DATASET": "data/unifesp"})
    run_chapters(write(tmp_path, good=BAD), pages)
    assert sorted(path.name for path in pages.glob("good*.html")) == [
        "good-unfinished.html",
        "good-unifesp.html",
        "good.html",
    ]
    assert "first second" in (pages / "good.html").read_text()
    run_chapters(write(tmp_path, good=GOOD), pages)
    assert not (pages / "good-unfinished.html").exists(), "what had stopped has run now"


def test_the_glossary_is_at_the_end_of_a_page_that_may_be_the_only_one(tmp_path):
    glossary = "# %% [markdown]\n# # Start\n#\n# ## Glossary\n# - **step** (1): one batch.\n"
    link = "# %% [markdown]\n# # Next\n#\n# A step, see the [glossary](00_start.ipynb#Glossary).\n"
    _, source = write(tmp_path, **{"00_start": glossary, "01_next": link})
    assert run_chapters([source], tmp_path / "html") == 0
    page = BeautifulSoup((tmp_path / "html" / "01_next.html").read_text(encoding="utf-8"), "html.parser")
    (target,) = page.select(page.select_one("main .text a")["href"])
    assert target.get_text() == "Words" and "step (1): one batch." in target.find_next("li").get_text()


def test_the_start_page_shows_each_chapter_and_the_pages_lead_from_one_to_the_next(tmp_path):
    sources = write(
        tmp_path, **{"00_good": GOOD, "01_bad": f"# %% [markdown]\n# # A bad one\n\n{BAD}", "02_later": "# %%\n1\n"}
    )
    pages = tmp_path / "build" / "html"
    (tmp_path / "build" / "slides").mkdir(parents=True)
    (tmp_path / "build" / "slides" / "00_good.html").touch()
    run_chapters(sources[:2], pages)
    start = BeautifulSoup((pages / "index.html").read_text(), "html.parser")
    good, bad, later = start.select(".chapter")
    assert good.h2.a["href"] == "00_good.html" and "nine of ten" in good.get_text() and "2 warnings" in good.get_text()
    assert [link["href"] for link in good.select(".others a")] == ["../slides/00_good.html"]
    assert bad.h2.a["href"] == "01_bad-unfinished.html" and "Stopped: In [2]: ValueError" in bad.get_text()
    assert not later.a and "make run CHAPTER=02" in later.get_text()
    assert all((pages / link["href"]).is_file() for link in start.select("a"))
    way = BeautifulSoup((pages / "01_bad-unfinished.html").read_text(), "html.parser").select_one(".way")
    assert [link["href"] for link in way.select("a")] == ["00_good.html", "index.html"]
    assert "next, not yet run" in way.get_text()
    run_chapters(sources[2:], pages)
    way = BeautifulSoup((pages / "01_bad-unfinished.html").read_text(), "html.parser").select_one(".way")
    assert [link["href"] for link in way.select("a")] == ["00_good.html", "index.html", "02_later.html"]
    run_chapters(write(tmp_path, **{"00_good": BAD}), pages)
    good = BeautifulSoup((pages / "index.html").read_text(), "html.parser").select_one(".chapter")
    assert good.h2.a["href"] == "00_good.html" and "Stopped" in good.get_text(), "a whole page goes first"


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


def test_two_chapters_at_once_keep_their_order_and_one_that_fails_its_fellow(tmp_path, capsys):
    """The first two wait for each other; the third begins when one of them has ended."""
    meet = (
        "# %%\nimport pathlib, time\n"
        "def until(name):\n    end = time.monotonic() + 40\n    while not pathlib.Path(name).exists():\n"
        "        assert time.monotonic() < end, 'waited in vain'\n        time.sleep(0.05)\n"
        "pathlib.Path('{own}').touch()\nuntil('{other}')\n{last}\n"
    )
    ends = {"a": meet.format(own="a-began", other="b-began", last="until('c-began')")}
    ends["b"] = meet.format(own="b-began", other="a-began", last="raise ValueError('b is wrong')")
    ends["c"] = meet.format(own="c-began", other="a-began", last="print('c')")
    assert run_chapters(write(tmp_path, **ends), tmp_path / "pages", None, 2) == 1
    rows = [line for line in capsys.readouterr().out.splitlines() if line[:2] in ("a ", "b ", "c ")]
    assert [row.split()[0] for row in rows] == ["a", "b", "c"]
    assert rows[0].endswith("ran to its end") and rows[2].endswith("ran to its end")
    assert rows[1].endswith("FAILED In [1]: ValueError: b is wrong")
    assert {path.name for path in (tmp_path / "pages").glob("[abc]*.html")} == {"a.html", "b-unfinished.html", "c.html"}


def test_memory_is_that_of_the_kernel_and_its_children(tmp_path):
    (source,) = write(tmp_path, big="# %%\nblock = bytearray(300_000_000)\nimport time\ntime.sleep(0.6)\n")
    assert execute(read_source(source), tmp_path).peak_bytes > 300_000_000


def test_outputs_keep_standard_output_whole_and_no_error_stream(tmp_path):
    (source,) = write(tmp_path, good=GOOD)
    notebook = read_source(source)
    seen = []
    assert execute(notebook, tmp_path, environment={"COURSE_QUIET": "0"}, on_error_text=seen.append).error is None
    assert [output.name for output in notebook.cells[2].outputs] == ["stdout"]
    assert notebook.cells[2].outputs[0].text == "first second\n"
    assert "a warning" in "".join(seen) and "stepping" in "".join(seen)


def test_an_error_is_one_line_of_limited_length():
    assert one_line("ValueError", "\x1b[31mred\x1b[0m\nmore") == "ValueError: red"
    assert one_line("LookInsideError", "mend it.") == "mend it."
    assert one_line("KeyError", "") == "KeyError"
    assert len(one_line("ValueError", "x" * 500)) == 200


def test_an_empty_table_has_its_heading():
    assert closing_table([]).splitlines()[0].split()[-3:] == ["warnings", "main", "result"]


def test_a_set_that_is_not_there_stops_before_the_first_chapter(monkeypatch, capsys):
    """Also where a chapter reads no set and would run to its end on phantoms."""
    monkeypatch.setenv("COURSE_DATASET", "no-such-set")
    monkeypatch.setattr(run, "run_chapters", lambda *_: pytest.fail("a chapter began"))
    assert run.main(["00"]) == 1
    assert capsys.readouterr().err.startswith("no set 'no-such-set' in data/: put its folder there")
