"""The first cell of a notebook that is handed out, and where it gets the address of the course from."""

import importlib.util
import sys

import pytest
from IPython.core.inputtransformer2 import TransformerManager
from nbformat.v4 import new_code_cell, new_notebook

from lookinside.course.build.first_cell import ID, with_first_cell
from lookinside.course.environment import package_rows
from lookinside.course.places import repository_address
from lookinside.course.site.build_site import binder_link

ADDRESS = "https://github.com/someone/looking-inside"
HERE = importlib.util.find_spec


def ran(address, monkeypatch, installed):
    """The magic commands that the first cell gives."""
    notebook = with_first_cell(new_notebook(cells=[new_code_cell("1")]), address)
    assert [cell.source for cell in notebook.cells[1:]] == ["1"] and notebook.cells[0].id == ID
    said = []

    class Shell:
        def run_line_magic(self, *words):
            said.append(words)

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: HERE(name) if installed else None)
    monkeypatch.setattr(sys, "path", list(sys.path))
    code = TransformerManager().transform_cell(notebook.cells[0].source)
    exec(compile(code, "cell", "exec"), {"get_ipython": Shell})
    return said


def test_it_installs_what_is_missing_and_makes_it_importable(monkeypatch):
    (magic, line), *more = ran(ADDRESS, monkeypatch, installed=False)
    assert magic == "pip" and f'--editable "git+{ADDRESS}#egg=lookinside"' in line and more == []
    assert sys.path[0].endswith("looking-inside/lookinside/lib")


@pytest.mark.parametrize("address", [ADDRESS, None])
def test_it_does_nothing_where_the_library_is(address, monkeypatch):
    before = list(sys.path)
    assert ran(address, monkeypatch, installed=True) == [] and sys.path == before


def test_without_an_address_it_says_in_a_line_what_to_do(monkeypatch):
    with pytest.raises(SystemExit) as said:
        ran(None, monkeypatch, installed=False)
    assert "make lab" in str(said.value) and "\n" not in str(said.value)


def test_the_address_is_one_setting(tmp_path, monkeypatch):
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    project = tmp_path / "pyproject.toml"
    project.write_text('[project]\nname = "x"\n')
    assert repository_address(tmp_path) is None
    monkeypatch.setenv("GITHUB_REPOSITORY", "a/fork")  # in its workflow a fork links to itself
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    assert repository_address(tmp_path) == "https://github.com/a/fork"
    project.write_text(f'[project]\nname = "x"\n[project.urls]\nRepository = "{ADDRESS}.git"\n')
    assert repository_address(tmp_path) == ADDRESS
    assert binder_link(ADDRESS, "chapters/x.ipynb").startswith("https://mybinder.org/v2/gh/someone/looking-inside/HEAD")
    assert binder_link("https://example.org/course", "chapters/x.ipynb") is binder_link(None, "x") is None


def test_on_colab_packages_are_held_against_what_the_library_asks(monkeypatch):
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release-colab")
    rows = package_rows()
    assert {"keras", "numpy"} < {row.what for row in rows} and all(row.ok for row in rows), rows
    monkeypatch.setattr("lookinside.course.environment._installed", lambda name: "0.1" if name == "keras" else "99")
    (keras,) = (row for row in package_rows() if row.what == "keras")
    assert not keras.ok and keras.mend.startswith('%pip install "keras') and "restart" in keras.mend
