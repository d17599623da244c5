"""The house: imports only go down its floors, the outside world comes in at few doors, rooms stay small."""

from __future__ import annotations

import ast
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

pytestmark = pytest.mark.structure

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "smtpkit"

# A name stands for its module and everything in it; of several names the longest counts.
FLOORS = {
    0: "value base_error errors reply address alternative attachment body content_types pattern stamp fields header"
    " threads lists message envelope mail raw receipt secret tls mime dsn events listener interruption"
    " trouble certificate",
    1: "smtp smtp.replies smtp.commands smtp.capabilities smtp.timeouts runtime dns",
    2: "smtp.dialogue smtp.policy smtp.sasl smtp.server smtp.credentials smtp.source smtp.authentication"
    " smtp.transaction smtp.admission smtp.parameters smtp.ledger smtp.patience smtp.window smtp.outgoing smtp.pieces",
    3: "smtp.handshake smtp.connection smtp.room smtp.pool smtp.lane smtp.lanes",
    4: "transports",
    5: "delivery dispatch reservations retry attempts redirection providers limits oauth2 keyring",
    6: "mailer testing preview diagnose",
    7: "integrations cli inbox __main__",
}
FLOOR_OF = {name: floor for floor, names in FLOORS.items() for name in names.split()}
ROOF = 8  # smtpkit/__init__.py: it may import all, and nobody imports it.

OUTSIDE = {
    "asyncio",
    "concurrent",
    "multiprocessing",
    "queue",
    "select",
    "selectors",
    "signal",
    "socket",
    "ssl",
    "threading",
    "time",
}
DOORS = {
    ("stamp", "time"): "makes the Date of a mail",
    ("smtp.room", "threading"): "a lock: threads share the connections",
    ("limits", "threading"): "a lock: threads share a limit",
    ("providers", "threading"): "a lock: threads share the registry",
    ("inbox.mails", "threading"): "a lock: the SMTP server's thread and those of the page share the mails",
}
SLOW = {
    "dataclasses": "loads inspect, and takes 0.7 ms for each class: use smtpkit.value",
    "inspect": "takes longer to load than all of smtpkit",
}
MOST_LINES_OF_FILE = 320
MOST_LINES_OF_FUNCTION = 40  # without its docstring


class Import(NamedTuple):
    """An arrow from one module to another."""

    source: str
    target: str
    line: int
    at_load: bool
    """Not only when a function is called."""


class Module(NamedTuple):
    """A source file, its name without ``smtpkit.``; the package itself is ``""``."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def shown(self) -> str:
        return str(self.path.relative_to(ROOT))


class Imports(ast.NodeVisitor):
    """Collects what runs: not what is under ``if TYPE_CHECKING``, which is only read by type checkers."""

    def __init__(self, source: str, package: str) -> None:
        self.source = source
        self.package = package
        self.depth = 0
        self.found: list[Import] = []

    def visit_Import(self, node: ast.Import) -> None:
        for name in node.names:
            self._add(name.name, node.lineno)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        above = self.package.split(".")[: len(self.package.split(".")) - node.level + 1] if node.level else []
        base = ".".join([*above, *([node.module] if node.module else [])])
        for name in node.names:
            # A name may be a module or stand in one.
            module = f"{base}.{name.name}"
            self._add(module if module.removeprefix("smtpkit.") in names() else base, node.lineno)

    def visit_If(self, node: ast.If) -> None:
        if ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            for each in node.orelse:
                self.visit(each)
        else:
            self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.depth += 1
        self.generic_visit(node)
        self.depth -= 1

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)

    def _add(self, target: str, line: int) -> None:
        self.found.append(Import(self.source, target, line, at_load=self.depth == 0))


@cache
def names() -> frozenset[str]:
    return frozenset(_name(path) for path in PACKAGE.rglob("*.py"))


@cache
def modules() -> tuple[Module, ...]:
    return tuple(
        Module(_name(path), path, ast.parse(path.read_text("utf-8"))) for path in sorted(PACKAGE.rglob("*.py"))
    )


@cache
def imports() -> tuple[Import, ...]:
    found: list[Import] = []
    for module in modules():
        full = f"smtpkit.{module.name}".rstrip(".")
        package = full if module.path.stem == "__init__" else full.rpartition(".")[0]
        visitor = Imports(module.name, package)
        visitor.visit(module.tree)
        found += visitor.found
    return tuple(found)


def inner() -> list[Import]:
    """The arrows within the package, their targets named like their sources."""
    return [
        each._replace(target=each.target.removeprefix("smtpkit").removeprefix("."))
        for each in imports()
        if each.target.split(".")[0] == "smtpkit"
    ]


def floor(name: str) -> int | None:
    if not name:
        return ROOF
    parts = name.split(".")
    prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((FLOOR_OF[prefix] for prefix in prefixes if prefix in FLOOR_OF), None)


def within(name: str, prefix: str) -> bool:
    return f"{name}.".startswith(f"{prefix}.")


def _name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def test_every_module_has_a_floor() -> None:
    # smtp/ is on three floors: a new module there must say on which.
    homeless = [
        m.shown for m in modules() if floor(m.name) is None or (within(m.name, "smtp") and m.name not in FLOOR_OF)
    ]
    assert not homeless, f"on no floor: {homeless}; give them one in FLOORS of tests/test_floors.py (docs: the design)"


def test_imports_never_go_up() -> None:
    up = [
        f"smtpkit.{each.source} line {each.line}: {each.target or 'smtpkit itself'}"
        f" is on floor {floor(each.target)}, above floor {floor(each.source)}"
        for each in inner()
        if (floor(each.target) or 0) > (floor(each.source) or 0)
    ]
    assert not up, "\n".join(up)


def test_imports_at_load_never_go_round() -> None:
    graph: dict[str, set[str]] = {}
    for each in inner():
        if each.at_load and each.source != each.target:
            graph.setdefault(each.source, set()).add(each.target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail("a cycle: " + " <- ".join(error.args[1]))


def test_only_the_runtime_touches_the_outside() -> None:
    found = [
        f"smtpkit.{each.source} line {each.line}: {each.target}"
        for each in imports()
        if (top := each.target.split(".")[0]) in OUTSIDE
        and not within(each.source, "runtime")
        and not any(within(each.source, module) and top == door for module, door in DOORS)
    ]
    assert not found, "only smtpkit/runtime may import these (or DOORS must give a reason):\n" + "\n".join(found)


def test_behind_a_door_for_locks_there_are_only_locks() -> None:
    used = {
        (module.shown, name)
        for module in modules()
        if not within(module.name, "runtime")
        for node in ast.walk(module.tree)
        for name in _names_of_threading(node)
    }
    assert not {each for each in used if each[1] not in ("Lock", "RLock")}


def _names_of_threading(node: ast.AST) -> list[str]:
    match node:
        case ast.Attribute(value=ast.Name(id="threading")):
            return [node.attr]
        case ast.ImportFrom(module="threading"):
            return [each.name for each in node.names]
        case _:
            return []


@pytest.mark.parametrize("slow", SLOW)
def test_no_module_imports_what_is_slow(slow: str) -> None:
    found = [f"smtpkit.{each.source} line {each.line}" for each in imports() if each.target.split(".")[0] == slow]
    assert not found, f"{slow} {SLOW[slow]}: {found}"


def test_files_stay_small() -> None:
    lines = {module.shown: len(module.path.read_text("utf-8").splitlines()) for module in modules()}
    assert not {name: count for name, count in lines.items() if count > MOST_LINES_OF_FILE}


def test_functions_stay_small() -> None:
    lines = {
        f"{module.shown}:{node.lineno} {node.name}": _lines(node)
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert not {name: count for name, count in lines.items() if count > MOST_LINES_OF_FUNCTION}


def _lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    whole = (node.end_lineno or node.lineno) - node.lineno + 1
    if ast.get_docstring(node) is None:
        return whole
    docstring = node.body[0]
    return whole - ((docstring.end_lineno or docstring.lineno) - docstring.lineno + 1)
