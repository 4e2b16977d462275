"""The wheel and the sdist: what is in them, and that they work where no clone stands beside them."""

import ast
import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import textwrap
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from lookinside.extras import INSTALL

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "lib" / "lookinside"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COURSE_"))}
NEEDS_A_CLONE = f"1: The course runs from a clone: {INSTALL}.\n"
STALE = Path("build", "lib", "lookinside")
SHIPPED = {"LICENSE", "README.md", "CHANGELOG.md", "CITATION.cff", "MANIFEST.in", "pyproject.toml", "setup.py"}
MADE = {"PKG-INFO", "setup.cfg"}  # by setuptools
OFFLINE = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--disable-pip-version-check")
HAS_MYPY = importlib.util.find_spec("mypy") is not None


def done(*command, folder):
    """Run a command away from the clone; its output."""
    found = subprocess.run(list(map(str, command)), cwd=folder, env=CLEAN, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


def packed(wheel):
    """The files in a wheel, less what describes it."""
    return {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built offline from a copy, in which an older version has left a module where setuptools builds."""
    folder = tmp_path_factory.mktemp("wheel")
    (folder / STALE).mkdir(parents=True)
    (folder / STALE / "gone.py").touch()
    for name in SHIPPED:
        shutil.copy(ROOT / name, folder)
    left = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.ipynb", "*.npz", "*.jpg")
    for name in ("lib", "tests", "chapters", "data_scripts"):
        shutil.copytree(ROOT / name, folder / name, ignore=left)
    done(sys.executable, "-m", "pip", "wheel", *OFFLINE, "--wheel-dir", "dist", ".", folder=folder)
    return next((folder / "dist").glob("lookinside-*.whl"))


@pytest.fixture(scope="module")
def sdist(wheel):
    """The sdist, built where the wheel was."""
    made = "import setuptools.build_meta as backend; backend.build_sdist('dist')"
    done(sys.executable, "-c", made, folder=wheel.parents[1])
    return wheel.with_name(f"lookinside-{PROJECT['version']}.tar.gz")


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """The Python of a user's environment: the wheel and its dependencies, but no way to the clone."""
    environment = tmp_path_factory.mktemp("user") / "environment"
    done(sys.executable, "-m", "venv", "--without-pip", environment, folder=wheel.parent)
    paths = {"base": str(environment), "platbase": str(environment)}
    site = Path(sysconfig.get_path("purelib", "venv", paths))
    options = ("--no-deps", "--no-index", "--quiet", "--no-compile", "--disable-pip-version-check")
    done(sys.executable, "-m", "pip", "install", *options, "--target", site, wheel, folder=wheel.parent)
    # A path file's folder is searched, and its own path files, such as that of this clone, are not read.
    ours = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (site / "dependencies.pth").write_text("\n".join(ours) + "\n", encoding="utf-8")
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def test_the_wheel_holds_the_library_and_nothing_else(wheel):
    """Every file: modules, templates, py.typed; neither tests nor chapters, nor what an older version has left behind.
    Building leaves nothing behind either.
    """
    files = {path for path in LIBRARY.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    names = packed(wheel)
    assert names == {path.relative_to(LIBRARY.parent).as_posix() for path in files}
    assert {"lookinside/py.typed", "lookinside/course/build/templates/page/page.css"} <= names
    build = wheel.parents[1] / "build"
    assert [path.relative_to(build.parent) for path in build.rglob("*") if path.is_file()] == [STALE / "gone.py"]


def test_the_sdist_holds_what_the_wheel_is_made_of(wheel, sdist, tmp_path):
    """Neither tests nor chapters; and the wheel that is made of it is that of the clone."""
    with tarfile.open(sdist) as file:
        names = {one.name.partition("/")[2] for one in file.getmembers() if one.isfile()}
    library = {f"lib/{name}" for name in packed(wheel)}
    assert {name for name in names if ".egg-info/" not in name} == library | SHIPPED | MADE
    done(sys.executable, "-m", "pip", "wheel", *OFFLINE, "--wheel-dir", "again", sdist, folder=tmp_path)
    assert packed(next((tmp_path / "again").glob("*.whl"))) == packed(wheel)


def test_version_citation_and_changelog_agree(wheel):
    """The version stands in pyproject.toml; what is cited and what is told of it are that version's."""
    version, released = (
        re.search(rf"^{key}: (\S+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE)[1]
        for key in ("version", "date-released")
    )
    told = re.search(r"^## (\S+) \((\S+)\)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert version == told[1] == PROJECT["version"] and wheel.name.startswith(f"lookinside-{version}-")
    assert released == told[2]


def test_the_library_imports_what_it_depends_on():
    """Outside course/ nothing else but what it asks for with `need`, so that an engineer's environment has it; and no
    dependency is idle.
    """
    imported, asked = set(), set()
    for path in LIBRARY.rglob("*.py"):
        if "course" not in path.relative_to(LIBRARY).parts:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
                names += [node.module] if isinstance(node, ast.ImportFrom) else []
                imported |= {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - {"lookinside"}
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "need":
                    asked |= {one.value for one in node.args}
    makers = importlib.metadata.packages_distributions()
    needed = {makers[name][0].lower() for name in imported - asked - {"tensorflow"}}
    assert needed == {Requirement(line).name for line in PROJECT["dependencies"]}
    extra = {Requirement(line).name.lower() for line in PROJECT["optional-dependencies"]["course"]}
    assert {"simpleitk", "pydicom"} <= {makers[name][0].lower() for name in asked} <= extra


USER = """
import contextlib, importlib, inspect, io, json, os, pkgutil, runpy, sys
import lookinside
import lookinside.phantoms, lookinside.data, lookinside.figures
light = not {"tensorflow", "keras"} & set(sys.modules)

import keras
from PIL import Image

from lookinside.data import load_images
from lookinside.layers import RoIAlign
from lookinside.phantoms import radiograph
from lookinside.training import fit_classifier

for seed in range(4):
    for name in ("hand", "foot"):
        os.makedirs(f"mine/train/{name}", exist_ok=True)
        Image.fromarray(radiograph(name, seed, size=32).image).save(f"mine/train/{name}/{seed}.png")
train = load_images("./mine", "train", size=32)
layers = [keras.layers.Conv2D(4, 3, activation="relu"), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)]
model = keras.Sequential([keras.Input((32, 32, 1)), keras.layers.Rescaling(1 / 255), *layers])
fit_classifier(model, train, train, epochs=1, progress=False)
model.save("mine.keras")
made = runpy.run_path("readme.py")
pooled = RoIAlign(2)([keras.ops.ones((1, 6, 8, 3)), keras.ops.convert_to_tensor([[[0.0, 0.0, 4.0, 4.0]]])])
assert pooled.shape == (1, 1, 2, 2, 3) and float(pooled.numpy().min()) == 1.0

holes, modules = [], [one.name for one in pkgutil.walk_packages(lookinside.__path__, "lookinside.")]
for module in map(importlib.import_module, modules):
    for name in getattr(module, "__all__", []):
        thing = getattr(module, name)
        owners = [one for one in getattr(thing, "__mro__", []) if one.__module__.startswith("lookinside.")]
        found = {f"{one.__name__}.{key}": value for one in owners for key, value in vars(one).items()} or {name: thing}
        for place, function in found.items():
            function = getattr(function, "fget", getattr(function, "__func__", function))
            last = place.split(".")[-1]
            if not inspect.isfunction(function) or (last.startswith("_") and last not in ("__init__", "__call__")):
                continue
            known = set(function.__annotations__) | {"self", "cls"} | ({"return"} if last == "__init__" else set())
            asked = {*inspect.signature(function).parameters, "return"}
            holes += [f"{module.__name__}.{place}: {one}" for one in sorted(asked - known)]

said = {}
for tool in ("build.run", "build.notebooks", "build.slides", "build.student", "measuring.measure"):
    with contextlib.redirect_stderr(io.StringIO()) as error, contextlib.redirect_stdout(error):
        status = importlib.import_module(f"lookinside.course.{tool}").main([])
    said[tool] = f"{status}: {error.getvalue()}"

print(json.dumps({"file": lookinside.__file__, "version": lookinside.__version__, "light": light, "said": said,
                  "count": len(modules), "holes": sorted(set(holes)),
                  **{name: made[name].shape for name in ("heat", "share", "missed")}}))
"""


def test_a_user_without_a_clone_explains_a_model(python, tmp_path):
    """Phantoms, data, training and the README's lines work; every module is found; every public name tells its types;
    what builds the course says in one line that it needs a clone.
    """
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (tmp_path / "readme.py").write_text(readme.split("```python\n")[1].split("```")[0], encoding="utf-8")
    (tmp_path / "user.py").write_text(USER)
    found = json.loads(done(python, "user.py", folder=tmp_path).splitlines()[-1])
    assert Path(found["file"]).is_relative_to(python.parents[1])
    assert found["version"] == PROJECT["version"]
    assert found["light"], "phantoms, data and figures are to be imported without TensorFlow"
    assert found["share"] == [1] and found["heat"] == [1, 32, 32] and (tmp_path / "heat.png").is_file()
    assert found["missed"] == [1, 2]
    assert found["count"] >= len([path for path in LIBRARY.rglob("*.py") if path.name != "__init__.py"])
    assert found["holes"] == []
    assert set(found["said"].values()) == {NEEDS_A_CLONE}


def test_a_source_tree_that_is_not_installed_has_a_version_too(tmp_path):
    """Without site-packages, and without the metadata that an editable install leaves in lib/."""
    (tmp_path / "lookinside").mkdir()
    shutil.copy(LIBRARY / "__init__.py", tmp_path / "lookinside")
    asked = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import lookinside; print(lookinside.__version__)"
    asked += "; assert not {'tensorflow', 'keras', 'numpy'} & set(sys.modules)"
    assert done(sys.executable, "-S", "-c", asked, folder=tmp_path) == "0+unknown\n"


PROGRAM = textwrap.dedent("""
    import numpy as np
    from lookinside.data import LabelledImages, load_images
    from lookinside.explain import Explainer, GradCAM, Interval, bootstrap_interval, heat_map, landmark_share
    from lookinside.phantoms import Radiograph, radiograph
    from lookinside.training import History, fit_classifier

    import keras  # type: ignore[import-untyped]

    def explained(model: keras.Model, folder: str) -> Interval:
        films: LabelledImages = load_images(folder, "train", size=64)
        history: History = fit_classifier(model, films, films, epochs=1)
        explainer: Explainer = GradCAM(model, chunk=8)
        hand: Radiograph = radiograph("hand", seed=5, size=64)
        heat: np.ndarray = heat_map(explainer(hand.image[None, ..., None], classes=0))
        return bootstrap_interval(landmark_share(heat, hand.landmark_mask[None]))

    # Each of these is wrong, and mypy says where an ignore is not needed.
    radiograph(5, "hand")  # type: ignore[arg-type]
    load_images("mine", "train", size="64")  # type: ignore[arg-type]
    GradCAM(None, chunk="8")  # type: ignore[arg-type]
    heat_map(np.zeros((1, 4, 4)), blur=1)  # type: ignore[call-arg]
    fit_classifier(None, 3, 4, epochs=1)  # type: ignore[arg-type]
    radiograph("hand", 5).landmark_masks  # type: ignore[attr-defined]
""")


@pytest.mark.skipif(not HAS_MYPY, reason="mypy is not installed: types are not checked")
def test_an_editor_knows_the_types(python, tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    mypy = (sys.executable, "-m", "mypy", "--strict", "--cache-dir", "cache", "--python-executable", python)
    done(*mypy, "program.py", folder=tmp_path)
