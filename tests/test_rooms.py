"""The library's rooms: one way of imports, no circle, no heap, and no module that its own function hides."""

import ast
import re
from pathlib import Path

import pytest

from lookinside import explain

LIBRARY = Path(__file__).resolve().parents[1] / "lib" / "lookinside"
MOST_FILES = 16
WITH_COMMANDS = (
    *("Makefile", "README.md", "CONTRIBUTING.md", "environment.yml", ".pre-commit-config.yaml", ".ci/run"),
    *("data_scripts/README.md", ".github/workflows/test.yml", ".github/workflows/canary.yml"),
)
MODULE = r"-m lookinside\.([\w.]*\w)"
FILE = r"(?<![\w./])(?:tests|data_scripts|chapters|lib)/[\w/]+\.(?:py|ipynb)"
# A room may import from the rooms before it (and from its own); `course` stands beside `figures`.
ORDER = (
    *("errors", "arrays", "extras", "locks", "phantoms.body", "phantoms.radiography", "phantoms.tomography"),
    *("phantoms.fetus", "phantoms.fundus"),
    "phantoms",
    *("layers", "data", "models", "explain.network", "explain.calls", "explain", "explain.truth"),
    *(
        "training",
        "figures",
        "course",
        "course.build",
        "course.grading",
        "course.kit",
        "course.site",
        "course.measuring",
    ),
)


def modules():
    """Dotted name below lookinside -> syntax tree."""
    found = {}
    for path in sorted(LIBRARY.rglob("*.py")):
        parts = path.relative_to(LIBRARY).with_suffix("").parts
        found[".".join(parts)] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def imported(tree, at_import_only=False):
    """Names below lookinside that a module imports from, those inside of functions too unless told."""
    nodes = ast.walk(tree)
    if at_import_only:
        nodes = [
            node for top in tree.body if not isinstance(top, ast.FunctionDef | ast.ClassDef) for node in ast.walk(top)
        ]
        nodes = [node for node in nodes if not any(node in ast.walk(top) for top in tree.body if _only_for_types(top))]
    for node in nodes:
        assert not (isinstance(node, ast.ImportFrom) and node.level), "write imports from lookinside on"
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lookinside."):
            yield node.module.removeprefix("lookinside.")


def _only_for_types(node):
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def room(name):
    """The room that a module stands in; a package is its own."""
    fitting = [one for one in ORDER if name == one or name.startswith(one + ".")]
    return max(fitting, key=len) if fitting else None


MODULES = modules()


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__init__")])
def test_imports_go_one_way(name):
    own = ORDER.index(room(name))
    for other in imported(MODULES[name]):
        assert ORDER.index(room(other)) <= own, f"{name} imports from {other}, which stands behind it"


def test_no_module_bears_the_name_of_what_it_defines():
    """`lookinside.explain.compare` could not be both."""
    for name, tree in MODULES.items():
        last = name.split(".")[-1]
        defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        defined |= {
            t.id for node in tree.body if isinstance(node, ast.Assign) for t in node.targets if hasattr(t, "id")
        }
        assert last not in defined, f"{name}.py defines {last}, which hides it where both are imported"


def test_no_circle():
    arrows = {name: set() for name in MODULES}
    for name, tree in MODULES.items():
        for other in imported(tree, at_import_only=True):
            arrows[name].add(other if other in MODULES else f"{other}.__init__")
    while arrows:
        free = [name for name, others in arrows.items() if not others & set(arrows) - {name}]
        assert free, f"these import one another in a circle: {sorted(arrows)}"
        for name in free:
            del arrows[name]


def test_no_room_is_a_heap():
    for folder in {path.parent for path in LIBRARY.rglob("*.py")}:
        count = len(list(folder.glob("*.py")))
        assert count <= MOST_FILES, f"{folder.name} has {count} files: give some a room of their own"


def test_each_explainer_is_in_the_file_that_a_newcomer_guesses():
    """GradCAM in explain/grad_cam.py; an explainer is what makes maps of images when called."""
    things = [getattr(explain, name) for name in explain.__all__]
    explainers = [thing for thing in things if isinstance(thing, type) and "__call__" in dir(thing)]
    assert len(explainers) >= 13
    for thing in explainers:
        guess = re.sub("(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", thing.__name__).lower()
        assert thing.__module__ == f"lookinside.explain.{guess}"


def test_commands_name_modules_and_files_that_are_there():
    root, named = LIBRARY.parents[1], 0
    for place in WITH_COMMANDS:
        text = (root / place).read_text(encoding="utf-8")
        modules, files = re.findall(MODULE, text), re.findall(FILE, text)
        lost = [one for one in modules if one not in MODULES and f"{one}.__init__" not in MODULES]
        lost += [one for one in files if not (root / one).is_file()]
        assert not lost, f"{place} names what is not there: {lost}"
        named += len(modules) + len(files)
    assert named > 25
