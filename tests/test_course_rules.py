"""Each rule of a chapter notices its fault, on a pair made for the purpose."""

import nbformat
import pytest
from jupyter_server.services.contents.largefilemanager import LargeFileManager
from jupytext.sync_contentsmanager import build_sync_jupytext_contents_manager_class
from nbformat.v4 import new_output

from lookinside.course.build.pairs import fresh_notebook, outputs_hash, read_stored, source_hash, store
from lookinside.course.build.rules import faults
from lookinside.course.places import repository
from lookinside.course.recording import MIME
from lookinside.course.warned import MIME as WARNING
from lookinside.errors import LookInsideError

SOURCE = """# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # Title
# with $x^2$

# %% tags=["guess"] slideshow={"slide_type": "-"}
my_guess = 3

# %% slideshow={"slide_type": "skip"}
check(my_guess, 3, "Why.")

# %% alt="A grey square in the middle." slideshow={"slide_type": "-"}
show()
"""
ALT = 'alt="A grey square in the middle." '
FIGURE = {"image/png": "iVBORw0KGgo=", "text/plain": "<Figure>"}


WARNED = new_output("display_data", data={"text/plain": "Warning: no test/", WARNING: {"text": "no test/"}})


@pytest.fixture
def pair(tmp_path):
    """Write a source and the notebook that executing it would store; the text can be changed first."""

    def make(text=SOURCE, *, figures=1):
        source = tmp_path / "00_made.py"
        source.write_text(text)
        notebook = fresh_notebook(source)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        for count, cell in enumerate(code, 1):
            cell.execution_count = count
        code[-1].outputs = [new_output("display_data", data=FIGURE) for _ in range(figures)]
        result = new_output(
            "display_data", data={"text/plain": "Main result: 3", MIME: {"sentence": "3", "numbers": {}}}
        )
        code[-1].outputs.append(result)
        store(notebook, source)
        return source

    return make


def change_stored(source, change, *, rehash=True):
    """Edit the stored notebook as another program would."""
    notebook = read_stored(source)
    change(notebook)
    if rehash:
        notebook.metadata["lookinside"]["outputs_sha256"] = outputs_hash(notebook)
    nbformat.write(notebook, source.with_suffix(".ipynb"))


def test_a_good_pair_has_no_faults(pair):
    assert faults(pair()) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("show()\n", "show()\n" + "x = 1\n" * 30, "31 lines of code"),
        ("my_guess = 3\n", "my_guess = 3\n" + "x = 1\n" * 12, "13 lines of code on a slide, 12 is the most"),
        ("# with $x^2$", '#\n# %% [markdown] slideshow={"slide_type": "subslide"}\n# text', "slide without a heading"),
        ('tags=["guess"]', 'tags=["guess", "cut"]', "is tagged cut and begins no slide"),
        ('slideshow={"slide_type": "skip"}', "", "slide mark None"),
        ('"slide_type": "skip"', '"slide_type": "slides"', "slide mark 'slides'"),
        ('"slide_type": "skip"', '"slide_type": "notes"', "code in a speaker's note"),
        (ALT, "", "1 figures and 0 alt texts"),
        (ALT, 'alt="A square." ', "alt text 'A square.'"),
        (ALT, 'alt=["A grey square in the middle.", "Another square below it."] ', "1 figures and 2 alt texts"),
        ('tags=["guess"] ', "", "my_guess"),
        ('tags=["guess"]', 'tags=["gues"]', "unknown tag 'gues'"),
        ("my_guess = 3", "guess = 3", "my_guess"),
        ('"slide_type": "skip"', '"slide_type": "-"', "the answer beside its question"),
        ("check(my_guess, 3", "print(my_guess + 1); check(my_guess, 3", "outside of check()"),
        ("# # Title", "# ## Title", "0 first-level headings"),
        ("# with $x^2$", "# # Second", "2 first-level headings"),
        ("# with $x^2$", "# ![a](b.png)", "a picture in its text"),
    ],
)
def test_a_fault_in_the_source_is_noticed(pair, old, new, says):
    assert old in SOURCE
    assert says in "; ".join(faults(pair(SOURCE.replace(old, new))))


def test_an_answer_may_stand_below_a_heading_of_its_own(pair):
    heading = '# %% [markdown] slideshow={"slide_type": "subslide"}\n# ### The answer\n\n'
    old = SOURCE[SOURCE.index("# %%", SOURCE.index("my_guess = 3")) : SOURCE.index("check(my_guess")]
    new = heading + old.replace('"slide_type": "skip"', '"slide_type": "-"')
    assert faults(pair(SOURCE.replace(old, new))) == []


def test_repeated_alt_texts_are_noticed(pair):
    text = SOURCE.replace(ALT, 'alt=["A grey square in the middle.", "A grey square in the middle."] ')
    assert "repeats the alt text" in "; ".join(faults(pair(text, figures=2)))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda nb: nb.metadata["lookinside"].update(profile="desk"), "stored with profile 'desk'"),
        (lambda nb: nb.metadata["lookinside"].update(dataset="unifesp"), "stored with dataset 'unifesp'"),
        (lambda nb: nb.metadata.pop("lookinside") and None, "was not written by `make notebooks`"),
        (
            lambda nb: nb.cells[1].update(source="my_guess = 4"),
            "changed by hand (cell 2); put the change into 00_made.py",
        ),
        (lambda nb: nb.cells[3].metadata.update(alt="Another text that is long."), "changed by hand (cell 4)"),
        (lambda nb: nb.cells.pop(), "changed by hand (it has 3 cells, the .py has 4)"),
        (
            lambda nb: nb.cells[2].update(execution_count=9),
            "saved by hand after `make notebooks`: cells were run again",
        ),
        (lambda nb: nb.cells[2].outputs.append(new_output("error", ename="KeyError")), "stored an error (KeyError)"),
        (lambda nb: nb.cells[2].outputs.append(new_output("stream", name="stderr", text="!")), "its error stream"),
        (lambda nb: nb.cells[2].outputs.append(new_output("stream", text="x" * 1_000_000)), "fewer or smaller figures"),
        (lambda nb: nb.cells[3].outputs.pop(), "no main result"),
        (lambda nb: nb.cells[2].outputs.append(WARNED), "cell 3 has stored a warning (no test/)"),
    ],
    ids=lambda value: value.split()[0] if isinstance(value, str) else "",
)
def test_a_fault_in_the_stored_notebook_is_noticed(pair, change, says):
    source = pair()
    notebook = read_stored(source)
    change(notebook)
    if "lookinside" in notebook.metadata:
        notebook.metadata["lookinside"]["outputs_sha256"] = outputs_hash(notebook)
    nbformat.write(notebook, source.with_suffix(".ipynb"))
    assert says in "; ".join(faults(source))


def test_a_warning_that_the_cell_is_about_may_be_stored(pair):
    source = pair(SOURCE.replace('slideshow={"slide_type": "skip"}', 'slideshow={"slide_type": "skip"} tags=["warns"]'))
    change_stored(source, lambda nb: nb.cells[2].outputs.append(WARNED))
    assert faults(source) == []


def test_a_changed_source_is_noticed(pair):
    source = pair()
    source.write_text(SOURCE + "\n# a word more\n")
    assert "00_made.py has changed since `make notebooks`" in "; ".join(faults(source))


def test_outputs_of_another_run_are_one_line_with_the_mend(pair):
    """Emptied outputs break other rules too, but what to do about them is this."""
    source = pair()
    change_stored(source, lambda nb: nb.cells[3].outputs.clear(), rehash=False)
    assert faults(source) == [
        "00_made: 00_made.ipynb was saved by hand after `make notebooks`: its outputs differ; "
        "run `make notebooks CHAPTER=00`"
    ]


def in_javascript(value):
    """A JSON value after JavaScript has read and written it."""
    if isinstance(value, dict):
        return {key: in_javascript(one) for key, one in value.items()}
    if isinstance(value, list):
        return [in_javascript(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def touch(model):
    """What JupyterLab changes in a notebook that is opened, looked at and saved."""
    model["metadata"]["kernelspec"]["display_name"] = "Python 3 (ipykernel)"
    model["metadata"]["language_info"] = {"name": "python", "version": "3.12.1", "file_extension": ".py"}
    for number, cell in enumerate(model["cells"]):
        cell["id"] = f"other-{number}"
        cell["metadata"].setdefault("tags", [])
        cell["metadata"] |= {"editable": True, "scrolled": True, "execution": {"shell.execute_reply": "2026"}}
        for output in cell.get("outputs", []):
            output["metadata"] = {"needs_background": "light"}
    model["cells"].append({"cell_type": "code", "id": "new", "source": "", "metadata": {}, "outputs": []})
    model["cells"][-1]["execution_count"] = None


@pytest.mark.parametrize("manager", [build_sync_jupytext_contents_manager_class(LargeFileManager), LargeFileManager])
def test_saving_in_jupyterlab_is_no_fault(pair, manager):
    """With jupytext's manager the .py is written as well."""
    source = pair()
    change_stored(source, lambda nb: nb.cells[3].outputs[1].data[MIME]["numbers"].update(share=1.0))
    (source.parent / "pyproject.toml").write_text(
        "[tool.jupytext]\n" + (repository() / "pyproject.toml").read_text().split("[tool.jupytext]\n")[1]
    )
    files = manager(root_dir=str(source.parent))
    model = in_javascript(files.get("00_made.ipynb")["content"])
    touch(model)
    before = source.read_text()
    files.save({"type": "notebook", "format": "json", "content": model}, "00_made.ipynb")
    assert (source.read_text() != before) == (manager is not LargeFileManager)
    assert faults(source) == []


def test_a_path_of_this_computer_is_noticed(pair):
    source = pair()
    output = new_output("stream", text=f"read {repository()}/data/x.png\n")
    change_stored(source, lambda nb: nb.cells[2].outputs.append(output))
    assert "path of this computer" in "; ".join(faults(source))


def test_a_missing_notebook_is_one_line(tmp_path):
    source = tmp_path / "03_alone.py"
    source.write_text(SOURCE)
    assert faults(source) == ["03_alone.ipynb is missing: run `make notebooks CHAPTER=03`."]


def test_the_hash_depends_on_the_cells_alone(tmp_path):
    one, other = tmp_path / "one.py", tmp_path / "other.py"
    one.write_bytes(b'# %% slideshow={"slide_type": "-"} tags=["cut"]\na = 1\n')
    other.write_bytes(
        b"# ---\r\n# jupyter:\r\n#   x: y\r\n# ---\r\n\r\n"
        b'# %% tags=["cut"] slideshow={"slide_type": "-"}\r\na = 1\r\n\r\n'
    )
    assert source_hash(one) == source_hash(other)
    for text in (
        '# %% slideshow={"slide_type": "-"}\na = 1\n',
        '# %% slideshow={"slide_type": "-"} tags=["cut"]\na = 2\n',
    ):
        other.write_text(text)
        assert source_hash(one) != source_hash(other)


def test_cells_keep_their_ids(pair):
    source = pair()
    before = [cell.id for cell in read_stored(source).cells]
    source.write_text(SOURCE + '\n# %% slideshow={"slide_type": "skip"}\nprint("new")\n')
    after = [cell.id for cell in fresh_notebook(source).cells]
    assert after[:4] == before and after[4] not in before


def test_a_source_that_is_no_notebook_is_one_line(tmp_path):
    source = tmp_path / "00_bytes.py"
    source.write_bytes(b"# %%\nprint('\xff')\n")
    with pytest.raises(LookInsideError, match=r"^00_bytes\.py is no py:percent notebook"):
        fresh_notebook(source)
