"""The names that users import: they are a promise."""

from __future__ import annotations

import ast
import builtins
import re
from pathlib import Path

import pytest

import smtpkit
from smtpkit import errors

pytestmark = pytest.mark.structure

PUBLIC = [
    "Address",
    "AsyncBatch",
    "AsyncDraft",
    "AsyncMailer",
    "Attachment",
    "AuthenticationFailed",
    "Batch",
    "CertificateHostMismatch",
    "CertificateUntrusted",
    "ConnectFailed",
    "ConnectionLost",
    "ContentRefused",
    "DailyLimit",
    "DailyLimitExceeded",
    "DeliveryError",
    "DeliveryUncertain",
    "Discovered",
    "Draft",
    "DsnRequest",
    "Envelope",
    "FailoverTransport",
    "FakeTransport",
    "InsecureTlsWarning",
    "InvalidAddress",
    "InvalidConfiguration",
    "InvalidHeader",
    "InvalidMessage",
    "LimitExceeded",
    "Mail",
    "Mailer",
    "Message",
    "MissingSender",
    "NetworkForbidden",
    "NoCommonMechanism",
    "NoRecipients",
    "Outcome",
    "PlaintextSmtpTransport",
    "ProtocolError",
    "Provider",
    "RateLimit",
    "RateLimitExceeded",
    "RawMessage",
    "Receipt",
    "RecipientDsn",
    "RecipientsRefused",
    "Reply",
    "RequireTlsUnsupported",
    "Retry",
    "RoundRobinTransport",
    "SenderRefused",
    "ServiceUnavailable",
    "SmtpSslTransport",
    "SmtpTlsTransport",
    "SmtpkitError",
    "StartTlsNotOffered",
    "StartTlsRefused",
    "TimedOut",
    "Timeouts",
    "Tls",
    "TlsFailed",
    "Transport",
    "TransportFailed",
    "UnknownProvider",
    "UnreadableAttachment",
    "UsageError",
    "discover",
    "discover_async",
    "errors",
    "events",
    "from_keyring",
    "insecure_tls",
    "limits",
    "oauth2",
    "providers",
    "transport_from_function",
]

SUBMODULES = ("errors", "events", "limits", "oauth2", "providers")
SOURCE = ast.parse(Path(smtpkit.__file__).read_text("utf-8"))
ERROR_CLASSES = {
    name: found
    for name, found in vars(errors).items()
    if isinstance(found, type) and issubclass(found, Exception) and found.__module__ == errors.__name__
}


def test_all_is_what_was_promised() -> None:
    assert smtpkit.__all__ == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_name_resolves(name: str) -> None:
    assert getattr(smtpkit, name) is getattr(smtpkit, name)


def test_dir_has_every_public_name() -> None:
    assert set(PUBLIC) <= set(dir(smtpkit))


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Mialer'"):
        getattr(smtpkit, "Mialer")  # noqa: B009


def test_type_checkers_and_the_interpreter_see_the_same_names() -> None:
    assert sorted(_under_type_checking().items()) == sorted(_lazy_table().items())
    assert [*sorted(_lazy_table()), *SUBMODULES] == sorted(PUBLIC, key=_submodules_last)


def _submodules_last(name: str) -> tuple[bool, str]:
    return name in SUBMODULES, name


def _under_type_checking() -> dict[str, str]:
    block = next(node for node in SOURCE.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom) and node.module != "smtpkit"]
    return {name.name: node.module or "" for node in imports for name in node.names}


def _lazy_table() -> dict[str, str]:
    node = next(
        node for node in SOURCE.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_MODULES"
    )
    table: dict[str, str] = ast.literal_eval(node.value)
    return {name: module for module, names in table.items() for name in names.split()}


def test_errors_exports_every_error() -> None:
    assert sorted({*ERROR_CLASSES, "Stage"}) == sorted(errors.__all__)


def test_every_error_can_be_imported_from_the_package() -> None:
    assert set(ERROR_CLASSES) <= set(PUBLIC)


def test_the_tree_in_the_docstring_is_the_tree_of_classes() -> None:
    assert list(_drawn()) == list(ERROR_CLASSES)
    assert _drawn() == {name: _bases(found) for name, found in ERROR_CLASSES.items()}


def _bases(error: type[Exception]) -> tuple[str, str | None]:
    """The parent in the tree, and the builtin that callers may catch instead."""
    parent = error.__bases__[0].__name__
    return parent, next((base.__name__ for base in error.__mro__ if _is_told(base)), None)


def _is_told(base: type) -> bool:
    return base not in (Exception, BaseException, object) and hasattr(builtins, base.__name__)


def _drawn() -> dict[str, tuple[str, str | None]]:
    """Each name of the drawing with its parent and the builtin that stands there or above it."""
    found: dict[str, tuple[str, str | None]] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        entry = re.match(r"    ([│ ├└─]*)([A-Z]\w+)(?: +\((\w+)\))?", line)
        if not entry:
            continue
        depth = len(entry[1]) // 4
        del above[depth:]
        parent = above[-1] if above else "Exception"
        inherited = found[parent][1] if parent in found else None
        found[entry[2]] = (parent, entry[3] or inherited)
        above.append(entry[2])
    return found
