"""The names of `smtpkit.testing`: they are a promise, and are loaded when they are asked for."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from smtpkit import testing

pytestmark = pytest.mark.structure

PUBLIC = [
    "Accepted",
    "FakeTransport",
    "ForbiddenNetwork",
    "Mailbox",
    "MailboxMixin",
    "Matcher",
    "Reading",
    "ReceivedFile",
    "Scripted",
    "ScriptedServer",
    "Wanted",
    "check_store",
    "check_transport",
    "forbid_network",
    "snapshot",
]


def test_all_is_what_was_promised() -> None:
    assert testing.__all__ == PUBLIC
    assert set(PUBLIC) <= set(dir(testing))


@pytest.mark.parametrize("name", PUBLIC)
def test_name_resolves(name: str) -> None:
    found = getattr(testing, name)
    assert found is getattr(testing, name)
    assert callable(found) or name == "Matcher"


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'MailBox'"):
        getattr(testing, "MailBox")  # noqa: B009


def test_type_checkers_and_the_interpreter_see_the_same_names() -> None:
    source = ast.parse(Path(testing.__file__).read_text("utf-8"))
    block = next(node for node in source.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    table = next(
        node for node in source.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_MODULES"
    )
    names: dict[str, str] = ast.literal_eval(table.value)
    lazy = {name: f"smtpkit.testing.{module}" for module, given in names.items() for name in given.split()}
    assert lazy == {name.name: node.module for node in imports for name in node.names}
    assert sorted(lazy) == sorted(PUBLIC)
