"""The statements of a chapter that its sweeps need: what is shown on the way is left out, and with it its trainings."""

from __future__ import annotations

import ast
import dis
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

from lookinside.course.build.pairs import read_source

IMPORTS = ast.Import | ast.ImportFrom


def sweep_code(source: Path, measured: bool = True) -> Any:
    """A chapter's notebook reduced to its sweeps and what they need, cell by cell; without a sweep it is empty.

    What is needed is found by name: a statement stays where it sets or changes a name that a statement which stays
    reads. `set_up()` stays, and so does what changes a library (`module.option = ...`). What is changed under a second
    name is not noticed: after `row = table["x"]` a later `row |= ...` does not count as a change of `table`.

    Args:
        source: a py:percent source.
        measured: False leaves out what measures a trial, and all that it needs: enough to know which trials there are.

    Raises:
        LookInsideError: where the source is no notebook.
        SyntaxError: where a cell is not Python.
    """
    notebook = read_source(source)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    trees = [(cell, ast.parse(cell.source)) for cell in cells]
    if not measured:
        trees = [(cell, ast.fix_missing_locations(_Unmeasured().visit(tree))) for cell, tree in trees]
    steps = [_Step.read(node, cell) for cell, tree in trees for node in tree.body]
    last = max((place for place, step in enumerate(steps) if step.sweeps), default=-1)
    needed = _needed(steps[: last + 1])
    for cell in cells:
        cell.source = "\n".join(ast.unparse(step.node) for step in needed if step.cell is cell)
    notebook.cells = [cell for cell in cells if cell.source]
    return notebook


@dataclass(eq=False)
class _Step:
    """A statement, and the names that it sets, changes, reads first, and reads whenever a function of it is called."""

    node: ast.stmt
    cell: Any
    sets: set[str]
    changes: set[str]
    reads: set[str]
    reads_later: set[str]
    sweeps: set[str]  # names whose `sweep` is called

    @classmethod
    def read(cls, node: ast.stmt, cell: Any) -> _Step:
        code = compile(ast.Module([node], []), "cell", "exec")
        reads, sets = _first_read(code)
        calls = [one.func for one in ast.walk(node) if isinstance(one, ast.Call)]
        methods = [(one.attr, _base(one)) for one in calls if isinstance(one, ast.Attribute)]
        changes = {_base(one) for one in ast.walk(node) if isinstance(getattr(one, "ctx", None), ast.Store | ast.Del)}
        # A method that is called for nothing but what it does: `names.append(...)`.
        bare = [one.value for one in ast.walk(node) if isinstance(one, ast.Expr) and isinstance(one.value, ast.Call)]
        changes |= {_base(one.func) for one in bare if isinstance(one.func, ast.Attribute)}
        sweeps = {name for attribute, name in methods if attribute == "sweep"}
        return cls(node, cell, sets, changes - {""}, reads, _read_in_functions(code), sweeps)


class _Unmeasured(ast.NodeTransformer):
    """`results.sweep(trials, measure)` becomes `results.sweep(trials, None)`."""

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "sweep":
            node.args[1:], node.keywords = [ast.Constant(None)], [one for one in node.keywords if one.arg == "trials"]
        return node


def _needed(steps: list[_Step]) -> list[_Step]:
    """The steps that stay, in their order."""
    modules = {name for step in steps if isinstance(step.node, IMPORTS) for name in step.sets}
    records = {name for step in steps for name in step.sweeps}  # what a record is asked for besides changes no trial
    always = {step for step in steps if step.sweeps or _sets_up(step.node) or _changes_library(step.node, modules)}
    later: set[str] = set()
    while True:
        # What a function reads may be set anywhere, so the way back is gone until no more names turn up.
        stay, live = [], set()
        for step in reversed(steps):
            changed = step.changes - modules - records
            if step in always or (step.sets | changed) & (live | later):
                stay.append(step)
                if not isinstance(step.node, ast.If | ast.For | ast.While | ast.Try | ast.With):
                    live -= step.sets  # for certain, not only in one branch
                live |= step.reads
        found = set().union(*(step.reads_later for step in stay))
        if found <= later:
            return stay[::-1]
        later |= found


def _first_read(code: CodeType) -> tuple[set[str], set[str]]:
    """The names that a statement reads before it has set them, and those that it sets."""
    reads, sets = set(), set()
    for step in dis.get_instructions(code):
        if step.opname in ("STORE_NAME", "DELETE_NAME"):
            sets.add(step.argval)
        elif step.opname == "LOAD_NAME" and step.argval not in sets:
            reads.add(step.argval)
    return reads, sets


def _read_in_functions(code: CodeType) -> set[str]:
    """The global names that functions, lambdas and comprehensions inside of a piece of code read."""
    names = set()
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            loads = [step for step in dis.get_instructions(inner) if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")]
            names |= {step.argval for step in loads} | _read_in_functions(inner)
    return names


def _base(node: ast.AST) -> str:
    """The name at the front of `name.attribute[item]`; "" where there is none, or nothing behind it."""
    front = node
    while isinstance(front, ast.Attribute | ast.Subscript):
        front = front.value
    return front.id if isinstance(front, ast.Name) and front is not node else ""


def _sets_up(node: ast.stmt) -> bool:
    call = node.value if isinstance(node, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "set_up"


def _changes_library(node: ast.stmt, modules: set[str]) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return any(_base(target) in modules for target in targets if target is not None)
