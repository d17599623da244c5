"""A transport from a plain function."""

from __future__ import annotations

from types import CoroutineType
from typing import TYPE_CHECKING

from smtpkit.errors import InvalidConfiguration

if TYPE_CHECKING:
    from collections.abc import Callable

    from smtpkit.mail import Mail
    from smtpkit.receipt import Receipt
    from smtpkit.runtime.base import Runtime
    from smtpkit.transports.base import Transport

__all__ = ["transport_from_function"]


def transport_from_function(send: Callable[[Mail], Receipt]) -> Transport:
    """The transport that calls ``send`` for each mail, for both mailers.

    ``send`` may block: under `AsyncMailer` it runs in a thread. If it raises something that is
    not a `DeliveryError`, the outcome is *uncertain* (`TransportFailed`).

    ::

        def send(mail):
            my_api.post(mail.as_bytes())
            return Receipt.of(mail, Outcome("accepted"))
    """
    return _FunctionTransport(send)


class _FunctionTransport:
    def __init__(self, send: Callable[[Mail], Receipt]) -> None:
        self._send = send

    async def send(self, mail: Mail, runtime: Runtime) -> Receipt:
        receipt = await runtime.call(self._send, mail)
        if isinstance(receipt, CoroutineType):  # pyright: ignore[reportUnnecessaryIsInstance]
            receipt.close()
            raise InvalidConfiguration(
                f"{self!r} needs a plain function, and this one is async",
                hint="A transport that waits is an object with async methods send and close: see Transport.",
            )
        return receipt

    async def close(self, runtime: Runtime) -> None:
        pass

    def __repr__(self) -> str:
        return f"transport_from_function({getattr(self._send, '__qualname__', self._send)})"
