"""No test sends real mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.errors import InvalidConfiguration
from smtpkit.runtime.network import Ban

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Self

__all__ = ["ForbiddenNetwork", "forbid_network"]


class ForbiddenNetwork:
    """That real sending is forbidden: from the call of `forbid_network` until `allow`, or the end of ``with``."""

    def __init__(self, ban: Ban) -> None:
        self._ban = ban

    def allow(self) -> None:
        """Allow it again. May be called again."""
        self._ban.lift()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.allow()


def forbid_network(*, allow: Iterable[str] = ()) -> ForbiddenNetwork:
    """From now on every connection, also one for a token, raises `NetworkForbidden`, in all threads and tasks.

    ::

        with forbid_network():
            ...

        forbid_network()  # in a conftest.py: for the whole run

    This machine is no exception: a relay on ``localhost`` sends real mail. A `ScriptedServer` of this process is
    always allowed. ``SMTPKIT_FORBID_NETWORK=1`` in the environment does the same; mail is never swallowed, so that the
    variable does no silent harm where it was left in production.

    Args:
        allow: hosts that are allowed all the same, such as ``"localhost"`` or ``"localhost:1025"``.

    Raises:
        InvalidConfiguration: ``allow`` has something else.
    """
    hosts: list[object] = [allow] if isinstance(allow, str) else list(allow)
    allowed = [each for each in hosts if isinstance(each, str)]
    if len(allowed) < len(hosts):
        raise InvalidConfiguration(f"allow={allow!r}", hint='It has names of hosts, such as "localhost:1025".')
    return ForbiddenNetwork(Ban(allowed))
