"""Reads the blocks of code with a title, which show other libraries: do their names and arguments exist?"""

from __future__ import annotations

import ast
import re
from importlib import import_module
from importlib.util import find_spec
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path

__all__ = ["troubles"]

BLOCK = re.compile(r'^```python title="(.*?)"\n(.*?)^```', re.MULTILINE | re.DOTALL)


def troubles(pages: Path) -> list[str]:
    """A line for each name and argument that a library does not have. Libraries that are not installed are left out."""
    found: list[str] = []
    for page in sorted(pages.rglob("*.md")):
        for title, code in BLOCK.findall(page.read_text("utf-8")):
            found += [f"{page.name}, {title}: {each}" for each in wrong(ast.parse(code))]
    return found


def wrong(tree: ast.Module) -> list[str]:
    """What is not there, of all that a block imports and calls."""
    found: list[str] = []
    names: dict[str, Any] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and installed(node.module):
            module = import_module(node.module)
            found += [f"{node.module} has no {each.name}" for each in node.names if not hasattr(module, each.name)]
            names |= {each.asname or each.name: getattr(module, each.name, None) for each in node.names}
        elif isinstance(node, ast.Import):
            names |= {each.name: import_module(each.name) for each in node.names if installed(each.name)}
    # `server = smtplib.SMTP(...)` and `with smtplib.SMTP(...) as server` make a name of a known class.
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            remember(names, node.targets[0].id, node.value)
        elif isinstance(node, ast.withitem) and isinstance(node.optional_vars, ast.Name):
            remember(names, node.optional_vars.id, node.context_expr)
    return found + [each for node in ast.walk(tree) if isinstance(node, ast.Call) for each in misfits(node, names)]


def installed(module: str) -> bool:
    return find_spec(module.partition(".")[0]) is not None


def remember(names: dict[str, Any], name: str, made: ast.expr) -> None:
    """Let ``name`` stand for the class of what a call makes."""
    kind = known(made.func, names) if isinstance(made, ast.Call) else None
    if isinstance(kind, type):
        names[name] = kind


def known(node: ast.expr, names: dict[str, Any]) -> Any:
    """What an expression such as ``smtplib.SMTP`` names; ``None`` if that is not known."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        return getattr(known(node.value, names), node.attr, None)
    made = known(node.func, names) if isinstance(node, ast.Call) else None
    return made if isinstance(made, type) else None


def misfits(call: ast.Call, names: dict[str, Any]) -> list[str]:
    """A method that is not there, and arguments that a function does not take."""
    shown = ast.unparse(call.func)
    if isinstance(call.func, ast.Attribute):
        owner = known(call.func.value, names)
        if owner is not None and not hasattr(owner, call.func.attr) and not hasattr(owner, "model_fields"):
            return [f"there is no {shown}"]
    function = known(call.func, names)
    if function is None:
        return []
    parameters = taken(function)
    if parameters is None:
        return []
    return [f"{shown} takes no {each.arg}=" for each in call.keywords if each.arg and each.arg not in parameters]


def taken(function: Any) -> Container[str] | None:
    """The names of its parameters; ``None`` if it takes any, or that is not known."""
    try:
        parameters = signature(function).parameters
    except ValueError:  # one that is written in C
        return None
    if any(each.kind is Parameter.VAR_KEYWORD for each in parameters.values()):
        fields: Container[str] | None = getattr(function, "model_fields", None)  # of pydantic
        return fields
    return parameters
