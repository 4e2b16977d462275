"""The results page on a made chapter: numbers from its record, the paper's from its source, verdicts from its text."""

import json

import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from lookinside.course.site.claims import printed, verdicts_of
from lookinside.course.site.record_tables import Number, tables_of
from lookinside.course.site.results_page import results_of
from lookinside.errors import LookInsideError

SOURCE = """# %% [markdown]
# # Title

# %%
OTHERS = {"wide": (90.0, 1)}
PAPER = {"narrow": (80.0, 2), **{"wide": (85.0, 3)}, "made": (sum([1]), 4)}
PAPER |= {"late": (70.0, 5)}
"""
TOML = """
[[01_made]]
title = "Accuracy"
rows = "network"
only = ["narrow", "wide", "wide minus narrow"]
columns = { "accuracy" = "accuracy", "loss" = "deep/loss", "changed" = { value = "accuracy", change = "other" } }
paper = { "accuracy" = { constant = "PAPER", path = "{}/0", minus = true, scale = 0.01 } }
percent = ["accuracy"]
"""


def row(values, seed=0, **key):
    own = {"profile": "desk", "dataset": "phantoms", "network": "narrow", **key, "seed": seed}
    command = f"COURSE_PROFILE=desk make results CHAPTER=01 DATASETS={own['dataset']} SEEDS={seed}"
    about = {"command": command, "date": f"2026-01-0{seed + 1}", "hardware": "one core", "versions": {}, "seconds": 1.0}
    return {**own, **about, "settings": {}, "values": values}


ROWS = [
    row({"accuracy": [0.5, 0.4, 0.6], "deep": {"loss": 2.0}}),
    row({"accuracy": [0.7, 0.6, 0.8], "deep": {"loss": 1.0}}, seed=1),
    row({"accuracy": [0.9, 0.9, 0.9]}, seed=2, dataset="real"),
    row({"accuracy": [0.1, 0.0, 0.2]}, seed=3, steps=10),  # it has a further column: another question's row
    row({"accuracy": [0.3, 0.3, 0.3]}, seed=4, profile="paper"),
    row({"accuracy": [1.0, 1.0, 1.0], "deep": {"loss": 3.0}}, network="wide"),
    row({"accuracy": [0.8, 0.7, 0.9]}, network="narrow", change="other"),
    row({"accuracy": [0.2, 0.1, 0.3]}, network="wide minus narrow"),
]


@pytest.fixture
def source(tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "tables.toml").write_text(TOML)
    (tmp_path / "results" / "01_made.json").write_text(json.dumps({"chapter": "01_made", "rows": ROWS}))
    path = tmp_path / "01_made.py"
    path.write_text(SOURCE)
    return path


def test_numbers_come_from_the_rows_that_are_asked_for_and_from_no_others(source):
    (table,) = tables_of(source)
    narrow, wide, pair = table.numbers.values()
    assert (narrow["accuracy"].mean, narrow["accuracy"].low, narrow["accuracy"].high) == (pytest.approx(0.6), 0.4, 0.8)
    assert narrow["accuracy"].seeds == [0, 1] and narrow["changed"].mean == 0.8 and wide["changed"] is None
    assert (narrow["loss"].low, narrow["loss"].high) == (1.0, 2.0) and wide["loss"].low is None
    assert (wide["accuracy"].low, wide["accuracy"].high) == (1.0, 1.0)  # an interval was recorded, a narrow one
    assert [one["paper: accuracy"] for one in (narrow, wide, pair)] == [0.8, 0.85, 0.05]
    assert table.commands == ["COURSE_PROFILE=desk make results CHAPTER=01 DATASETS=phantoms SEEDS=0,1"]
    assert table.seeds == "seeds as in the last column"
    assert (table.number, table.dates) == ("1.1", "measured 2026-01-01 to 2026-01-02")
    assert ">80.0<" in table.html and "60.0" in table.html and ">0, 1 (accuracy, loss); 0 (changed)<" in table.html
    assert all(isinstance(one, Number) for *_, one in table.measured())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("deep/loss", "deep/gain", "no row of 01_made.json has the column 'loss'"),
        ('"PAPER"', '"PAPERS"', "01_made.py has no constant PAPERS"),
    ],
)
def test_what_the_record_or_the_chapter_does_not_have_is_named(source, old, new, said):
    (source.parent / "results" / "tables.toml").write_text(TOML.replace(old, new))
    with pytest.raises(LookInsideError, match=said):
        tables_of(source)


def test_a_constant_of_a_source_is_read_without_running_it(source):
    assert printed(source, "PAPER", "late/1") == 5 and printed(source, "PAPER", "wide/1") == 3
    assert printed(source, "PAPER", "made/0") is None is printed(source, "PAPER", "nobody/0")


def chapter(text):
    return new_notebook(cells=[new_markdown_cell("# T\n\nThe claim."), new_markdown_cell(text)])


def test_verdicts_are_read_up_to_the_errata(source):
    text = """## 9. Paper and ours

- **Holds**: that $x$ is
  *small*.
- **Shrunk** (recorded): half

### The paper's claims

- **Not supported**: the rest.

### Errata

- A comma.
"""
    told = results_of(source, chapter(text))
    verdicts = [verdict for verdict, _ in told.verdicts]
    assert [one.strip() for one in verdicts] == ["<p>Holds</p>", "<p>Shrunk</p>", "<p>Not supported</p>"]
    assert "<math" in told.verdicts[0][1] and told.verdicts[0][1].startswith("<p>That")
    assert "(recorded): half" in told.verdicts[1][1] and "The claim" in told.claim
    for broken, said in (
        (text.replace("Paper and ours", "Ours"), "no section"),
        (text.replace("**Holds**", "x"), "bold"),
    ):
        with pytest.raises(LookInsideError, match=f"01_made.py: .*{said}"):
            results_of(source, chapter(broken))


def test_every_chapter_of_a_paper_has_verdicts():
    from lookinside.course.build.pairs import read_stored
    from lookinside.course.places import chapter_sources

    assert all(len(verdicts_of(read_stored(one))) >= 5 for one in chapter_sources()[1:])
