"""Tests of programs that send mail: a mailbox, a server that fails as it is told, and a guard. See docs/testing.md.

Nothing is loaded before it is used, so that the pytest plugin costs nothing where no test asks for it.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smtpkit.testing.criteria import Wanted
    from smtpkit.testing.fake import FakeTransport
    from smtpkit.testing.guard import ForbiddenNetwork, forbid_network
    from smtpkit.testing.mailbox import Mailbox
    from smtpkit.testing.matching import Matcher
    from smtpkit.testing.mixin import MailboxMixin
    from smtpkit.testing.reading import Reading, ReceivedFile
    from smtpkit.testing.rendering import snapshot
    from smtpkit.testing.script import Scripted
    from smtpkit.testing.server import ScriptedServer
    from smtpkit.testing.session import Accepted
    from smtpkit.testing.stores import check_store
    from smtpkit.testing.transports import check_transport

__all__ = [
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

_MODULES = {
    "criteria": "Wanted",
    "fake": "FakeTransport",
    "guard": "ForbiddenNetwork forbid_network",
    "mailbox": "Mailbox",
    "matching": "Matcher",
    "mixin": "MailboxMixin",
    "reading": "Reading ReceivedFile",
    "rendering": "snapshot",
    "script": "Scripted",
    "server": "ScriptedServer",
    "session": "Accepted",
    "stores": "check_store",
    "transports": "check_transport",
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names.split()}


if not TYPE_CHECKING:  # or every misspelt name would be one

    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
