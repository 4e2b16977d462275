"""Without the `course` extra, whatever needs it says in one line what to install."""

import ast
import importlib.metadata as metadata
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import lookinside.course.build
from lookinside.course.environment import environment_report, package_rows
from lookinside.course.provenance import hardware
from lookinside.errors import LookInsideError
from lookinside.extras import INSTALL, need

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "lib" / "lookinside" / "course" / "build"


def without(module, folder, *command):
    """Start Python in an environment that lacks a module."""
    (folder / "sitecustomize.py").write_text(f"import sys; sys.modules[{module!r}] = None")
    path = os.pathsep.join([str(folder), str(ROOT / "lib")])
    found = subprocess.run(
        [sys.executable, *command], cwd=folder, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True
    )
    return found.returncode, found.stdout, found.stderr


PROGRAMS = ("measuring.measure", "kit.kit", "site.build_site", "grading.grade")
PROGRAMS += tuple(f"build.{name}" for name in ("run", "notebooks", "slides", "student", "rules"))


@pytest.mark.parametrize("tool", PROGRAMS)
def test_a_tool_without_its_packages_ends_with_one_line(tool, tmp_path):
    status = without("psutil", tmp_path, "-m", f"lookinside.course.{tool}", "--help")
    assert status == (1, "", f"The course needs psutil: {INSTALL}.\n")


@pytest.mark.parametrize("module", ["pooch", "pydicom"])
def test_a_data_script_without_its_packages_ends_with_one_line(module, tmp_path):
    status = without(module, tmp_path, ROOT / "data_scripts" / "mednist.py", "--help")
    assert status == (1, "", f"The course needs {module}: {INSTALL}.\n")


def test_the_room_asks_for_all_that_its_modules_import():
    """And for nothing else; what the library depends on is there without being asked for."""
    imported = set()
    for path in BUILD.glob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            imported |= {name.split(".")[0] for name in names}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    there = {Requirement(line).name for line in project["dependencies"]} | {"lookinside", *sys.stdlib_module_names}
    assert imported - there == set(lookinside.course.build.NEEDED)


def test_missing_packages_are_named_together():
    with pytest.raises(LookInsideError, match=r"^The course needs nothing_such, nor_such: say `make run` in the clone"):
        need("json", "nothing_such", "nor_such")


def test_the_environment_report_has_a_line_for_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", None)
    row = next(row for row in environment_report().rows if row.what == "memory")
    assert str(row) == f"[FAIL] memory               unknown  -> The course needs psutil: {INSTALL}."


def test_the_environment_report_has_a_line_for_a_library_that_is_not_installed(monkeypatch):
    def requires(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", requires)
    assert list(map(str, package_rows())) == [f"[FAIL] lookinside           is not installed  -> {INSTALL}"]


def test_a_recorded_number_without_it_is_refused_in_a_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", None)
    with pytest.raises(LookInsideError, match="The course needs psutil"):
        hardware.__wrapped__()
