"""The library's pages, one a package; pdoc reads the docstrings and turns their Google sections into markdown."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import warnings
from collections import Counter
from dataclasses import dataclass, field, is_dataclass
from html import escape
from textwrap import dedent
from typing import Any

import pdoc.doc
from nbconvert.filters.markdown_mistune import MarkdownWithMath
from pdoc.docstrings import convert

from lookinside.course.build.export import Renderer

PACKAGES = ("explain", "layers", "models", "training", "data", "figures", "phantoms", "course", "errors")
WIDEST = 88  # letters of a signature on one line


@dataclass(frozen=True)
class Member:
    """A public name as its page shows it; `text` is HTML."""

    name: str
    anchor: str
    kind: str
    signature: str
    text: str
    methods: tuple[Member, ...] = ()


@dataclass(frozen=True)
class Package:
    """A public package: its docstring's first paragraph, and what it gives out in alphabetical order."""

    name: str
    full: str
    summary: str
    text: str
    members: list[Member] = field(default_factory=list)


def packages() -> list[Package]:
    """All public packages with their members, whose names in code lead to their places."""
    with warnings.catch_warnings():
        # pdoc also evaluates types; we show them as the source writes them.
        warnings.filterwarnings("ignore", "Error parsing type annotation", UserWarning)
        return _packages()


def _packages() -> list[Package]:
    modules = {name: pdoc.doc.Module(importlib.import_module(f"lookinside.{name}")) for name in PACKAGES}
    where = {
        one: f"{name}.html#{one}" for name, module in reversed(modules.items()) for one in _public(module)
    }  # the first package wins where two give out the same thing
    return [_package(name, module, where) for name, module in modules.items()]


def _public(module: pdoc.doc.Module) -> dict[str, Any]:
    found = {name: doc for name, doc in module.members.items() if not name.startswith("_") and doc.kind != "module"}
    return dict(sorted(found.items(), key=lambda one: one[0].lower()))


def _package(name: str, module: pdoc.doc.Module, where: dict[str, str]) -> Package:
    members = [_member(doc, where) for doc in _public(module).values()]
    return Package(name, f"lookinside.{name}", _first_line(module.docstring), _html(module.docstring, where), members)


def _member(doc: Any, where: dict[str, str], of: str = "") -> Member:
    methods: tuple[Member, ...] = ()
    kind = doc.kind
    if kind == "class":
        kind = "class" if not issubclass(doc.obj, BaseException) else "exception"
        methods = tuple(_member(one, where, doc.name) for one in doc.members.values() if _is_shown(one))
    elif kind == "variable":
        kind = "value" if not of else "attribute"
    name = f"{of}.{doc.name}" if of else doc.name
    return Member(
        name, name, "" if kind == "function" else kind, signature_of(doc), _html(doc.docstring, where), methods
    )


def _is_shown(doc: Any) -> bool:
    """Public, documented, and of this library: Keras' own methods are in its own documentation."""
    own = doc.taken_from[0].startswith("lookinside.")
    return own and bool(doc.docstring) and (doc.name == "__call__" or not doc.name.startswith("_"))


def signature_of(doc: Any) -> str:
    """How a function or class is called, with the types as its source writes them; a short value of a variable."""
    if doc.kind == "variable":
        value = doc.default_value_str
        return f"{doc.name} = {value}" if value and len(value) < 300 else ""
    if doc.kind == "class" and issubclass(doc.obj, BaseException):
        return ""
    if doc.kind == "class":
        if is_dataclass(doc.obj):  # its __init__ has no source
            given = inspect.signature(doc.obj).parameters.values()
            return _lines(doc.name, [re.sub(r": '([^']*)'", r": \1", str(one)) for one in given])
        made = doc.members.get("__init__")
        return _call(doc.name, made) if made is not None and made.kind == "function" else doc.name
    return _call(doc.name, doc)


def _call(name: str, function: pdoc.doc.Function) -> str:
    try:
        node = ast.parse(dedent(function.source)).body[0]
        parts, result = _parameters(node.args), node.returns and ast.unparse(node.returns)
    except (SyntaxError, IndexError, AttributeError):  # made by a decorator, say
        return f"{name}{function.signature_without_self}".removesuffix(" -> None")
    arrow = f" -> {result}" if result and name != "__init__" else ""
    return _lines(name, parts, arrow)


def _lines(name: str, parts: list[str], arrow: str = "") -> str:
    """A call on one line, or with a line for each parameter where it is long."""
    line = f"{name}({', '.join(parts)}){arrow}"
    return line if len(line) <= WIDEST else f"{name}(\n    " + ",\n    ".join(parts) + f"\n){arrow}"


def _parameters(args: ast.arguments) -> list[str]:
    """The parameters of a definition without `self`, a text each."""
    args.args = [one for one in args.args if one.arg not in ("self", "cls")]
    plain = [*args.posonlyargs, *args.args]
    defaults = [None] * (len(plain) - len(args.defaults)) + args.defaults
    parts = [_parameter(one, default) for one, default in zip(plain, defaults, strict=True)]
    if args.posonlyargs:
        parts.insert(len(args.posonlyargs), "/")
    if args.vararg or args.kwonlyargs:
        parts.append(f"*{_parameter(args.vararg)}" if args.vararg else "*")
    parts += [_parameter(one, default) for one, default in zip(args.kwonlyargs, args.kw_defaults, strict=True)]
    return [*parts, *([f"**{_parameter(args.kwarg)}"] if args.kwarg else [])]


def _parameter(one: ast.arg, default: ast.expr | None = None) -> str:
    text = f"{one.arg}: {ast.unparse(one.annotation)}" if one.annotation else one.arg
    return text if default is None else f"{text}{' = ' if one.annotation else '='}{ast.unparse(default)}"


def _first_line(docstring: str) -> str:
    return " ".join(docstring.split("\n\n")[0].split())


def _html(docstring: str, where: dict[str, str]) -> str:
    """A docstring as HTML: sections as bold words, known names in code as links."""
    text = re.sub(r"^###### (.+?):?$", r"**\1**", convert(docstring, "google", None), flags=re.MULTILINE)
    html = MarkdownWithMath(renderer=Renderer(Counter())).render(text)
    html = re.sub(r"<(/?)h[1-6][^>]*>", r"<\1p>", html)
    return re.sub(r"<code>([A-Za-z_.]+)</code>", lambda found: _linked(found[1], where), html)


def _linked(code: str, where: dict[str, str]) -> str:
    """Names with a point, a capital or an underscore; a plain word such as `progress` is mostly a parameter."""
    known = code.startswith("lookinside.") or code != code.lower() or "_" in code
    link = where.get(code.rpartition(".")[2]) if known else None
    return f'<a href="{escape(link)}"><code>{code}</code></a>' if link else f"<code>{code}</code>"
