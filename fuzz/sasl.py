"""Authentication with a hostile server: no mechanism tells more than it must, and SCRAM lets no impostor pass."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from smtpkit import Envelope, Mail, Message
from smtpkit.errors import DeliveryError
from smtpkit.runtime.blocking import run
from smtpkit.runtime.simulated import Act, SimulatedRuntime
from smtpkit.smtp import sasl
from smtpkit.transports.smtp import SmtpTransport

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smtpkit import Receipt

__all__ = ["SEEDS", "check"]

_NONCE = "rOprNGfwEbeRWgbNEkqO"
_FIRST = b"+r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096\n"

# The first octet chooses the mechanism. Each line is what the server says; after a "+" it is a challenge.
SEEDS = (
    b"\x01" + _FIRST + b"+v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=\n235 ok",
    b"\x01" + _FIRST + b"+e=invalid-proof\n535 5.7.8 no",
    b"\x01+m=ext,r=rOprNGfwEbeRWgbNEkqOx,s=AAAA,i=1000\n+v=AAAA\n235 ok",
    b"\x01235 2.7.0 ok",
    b"\x02+Username:\n334 Password?\n+OTP:\n235 ok",
    b"\x03+<1896.697170952@postoffice.reston.mci.net>\n235 ok",
    b'\x04+{"status":"400","schemes":"Bearer"}\n535-5.7.8 no\n535 5.7.8 such token',
    b'\x05+{"status":"invalid_token"}\n+\n+\n+\n+',
    b"\x00504 5.5.4 not that\n534 5.7.9 nor this\n454 4.7.0 later\n421 4.3.2 bye",
)

_MAIL = Mail(Message().from_("ann@example.com").text("x"), Envelope("ann@example.com", ["bob@example.com"]))
_SECRET = "pa55word"
_TELL_NOTHING = ("SCRAM-SHA-256", "CRAM-MD5")


class _Server:
    """Says one line after the other, whatever it hears."""

    certificate = b""

    def __init__(self, name: str, lines: Iterable[bytes]) -> None:
        self.heard = b""
        self._lines = iter((b"220 mail", b"250-mail\r\n250 AUTH " + name.encode(), *map(_said, lines)))

    def secure(self) -> bool:
        return False

    def hear(self, data: bytes) -> list[Act]:
        self.heard += data
        line = next(self._lines, None)
        return [Act(ending="close")] if line is None or b"MAIL FROM" in data else [Act(line + b"\r\n")]


def _said(line: bytes) -> bytes:
    return b"334 " + b64encode(line[1:]) if line.startswith(b"+") else line


def check(data: bytes) -> None:
    """Nobody here knows the secret but the client."""
    name = sasl.MECHANISMS[data[0] % len(sasl.MECHANISMS)] if data else "PLAIN"
    # A million rounds are within bounds, and would take all of the time.
    server = _Server(name, [each for each in data[1:].split(b"\n")[:20] if not re.search(rb"i=[0-9]{5}", each)])
    with patch.object(sasl, "nonce", lambda: _NONCE):
        error = run(_sent(server, name)).error
    assert isinstance(error, DeliveryError)
    assert _SECRET not in f"{error} {error!r} {error.__cause__!r}"
    assert name != "SCRAM-SHA-256" or b"MAIL FROM" not in server.heard
    assert server.heard.count(b"\n") < 20
    if name in _TELL_NOTHING:
        answers = server.heard.split()
        assert not any(_SECRET.encode() in _decoded(each) for each in (*answers, server.heard))


async def _sent(server: _Server, name: str) -> Receipt:
    secret = {"token" if name in sasl.TOKEN_MECHANISMS else "password": _SECRET}
    options: Any = {"username": "ann", "local_hostname": "me.example.com", "mechanisms": [name], **secret}
    transport = SmtpTransport("mail.example.com", 25, "plaintext", options, allow_insecure_auth=True)
    runtime = SimulatedRuntime(lambda host, port: server)
    try:
        return await transport.send(_MAIL, runtime)
    finally:
        await transport.close(runtime)


def _decoded(answer: bytes) -> bytes:
    try:
        return b64decode(answer, validate=True)
    except ValueError:
        return answer
