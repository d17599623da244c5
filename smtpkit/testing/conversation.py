"""A session that follows a script."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error
from typing import TYPE_CHECKING, Protocol

from smtpkit.address import Address
from smtpkit.errors import InvalidAddress
from smtpkit.runtime.simulated import Act
from smtpkit.testing.session import Accepted, BaseSession, Terms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smtpkit.testing.script import Rule, Script

__all__ = ["Host", "Session"]

_STAGES = {"EHLO": "ehlo", "HELO": "ehlo", "STARTTLS": "starttls", "AUTH": "auth", "final": "content"}
_WRONG = "535 5.7.8 user name and password not accepted"


class Host(Terms, Protocol):
    """The server of a session."""

    @property
    def script(self) -> Script:
        """What it does instead of taking mail."""
        ...

    @property
    def implicit(self) -> bool:
        """Whether TLS begins with the first byte."""
        ...

    @property
    def credentials(self) -> tuple[str, str] | None:
        """User name and password that are wanted."""
        ...

    def take(self, mail: Accepted) -> str | None:
        """Take responsibility, or the reply that refuses it."""
        ...

    @property
    def full(self) -> bool:
        """Whether no further mail is taken today."""
        ...


class Session(BaseSession):
    """One connection: it takes all that is not scripted otherwise."""

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._host = host
        self._greeted = False
        self._username: str | None = None
        self._answering: Callable[[str], str] | None = None
        """What takes the next line, as an answer to a challenge of AUTH (RFC 4954)."""
        self._mute = False
        self._pending: Rule | None = None
        self._shaking = host.implicit

    def secure(self) -> bool:
        """Whether it shakes hands now."""
        if not self._shaking or self._over:
            return False
        return self._begin_tls()

    def hear(self, data: bytes) -> list[Act]:
        """What it does on hearing ``data``."""
        self._buffer += data
        if not self._greeted and not self._shaking:
            self._greeted = True
            self._act("greeting", lambda: f"220 {self._host.name} ESMTP")
        while not (self._over or self._mute or self._shaking) and (command := self._next()) is not None:
            self._act(*command)
        acts, self._acts = self._acts, []
        return acts

    def _next(self) -> tuple[str, Callable[[], str]] | None:
        if (answer := self._answering) is None:
            return super()._next()
        end = self._buffer.find(b"\r\n")
        if end < 0:
            return None
        line = self._buffer[:end].decode("utf-8", "replace")
        del self._buffer[: end + 2]
        self._answering = None
        return "answer", lambda: answer(line)

    # -- what is done --------------------------------------------------------------

    def _offered(self) -> list[str]:
        size = [] if self._host.size is None else [f"SIZE {self._host.size}"]
        login = ["AUTH PLAIN LOGIN"] if self._host.credentials is not None and not self._needs_tls else []
        return [*super()._offered(), *size, *login]

    @property
    def _needs_tls(self) -> bool:
        return "STARTTLS" in self._host.extensions and not self.secured

    def _auth(self, argument: str, octets: bytes) -> str:
        if self._needs_tls:
            return "530 5.7.0 STARTTLS first"
        mechanism, _, initial = argument.partition(" ")
        if mechanism.upper() == "PLAIN":
            return self._plain(initial) if initial else self._challenge("", self._plain)
        if mechanism.upper() == "LOGIN":
            return self._login_name(initial) if initial else self._challenge("VXNlcm5hbWU6", self._login_name)
        return "504 5.5.4 PLAIN or LOGIN"

    def _challenge(self, text: str, answer: Callable[[str], str]) -> str:
        self._answering = answer
        return f"334 {text}"

    def _plain(self, answer: str) -> str:
        _, _, rest = _decoded(answer).partition("\0")
        username, _, password = rest.partition("\0")
        return self._judge_login(username, password)

    def _login_name(self, answer: str) -> str:
        username = _decoded(answer)
        return self._challenge("UGFzc3dvcmQ6", lambda password: self._judge_login(username, _decoded(password)))

    def _judge_login(self, username: str, password: str) -> str:
        if (username, password) != self._host.credentials:
            return _WRONG
        self._username = username
        return super()._auth("", b"")

    def _mail(self, argument: str, octets: bytes) -> str:
        if self._needs_tls:
            return "530 5.7.0 STARTTLS first"
        if self._host.credentials is not None and self._username is None:
            return "530 5.7.0 log in first"
        return super()._mail(argument, octets)

    def _refusal(self, stage: str, addresses: Sequence[str]) -> str | None:
        if stage == "mail" and self._host.full:
            return self._host.script.limits.daily_reply
        if stage in ("mail", "rcpt") and not all(map(_is_address, filter(None, addresses))):
            return "553 5.1.3 not an address: local-part@domain is one"
        rule = self._host.script.due(stage, addresses)
        if rule is None:
            return None
        if rule.deed == "take and hang up":
            self._pending = rule
            return None
        return self._follow(rule)

    def _accept(self, sender: str, recipients: list[str], content: bytes) -> str:
        accepted = Accepted(sender, tuple(recipients), content, self._username, self.secured)
        pending, self._pending = self._pending, None
        refusal = self._host.take(accepted)
        if refusal is not None:
            return refusal
        if pending is not None:
            self._end("close")
            return ""
        return "250 2.0.0 kept in the outbox"

    def _follow(self, rule: Rule) -> str:
        """Do what ``rule`` says; the reply, which is empty if there is none."""
        if rule.deed == "silence":
            self._mute = True
            self._end("stall")
        elif rule.deed != "reply":
            self._end("close")
        return rule.reply

    # -- what is said --------------------------------------------------------------

    def _act(self, asked: str, command: Callable[[], str]) -> None:
        stage = _STAGES.get(asked, asked)
        # MAIL, RCPT, DATA and the content ask for rules themselves: only what would be taken is refused.
        rule = self._host.script.due(stage) if stage in ("greeting", "ehlo", "starttls", "auth") else None
        text = command() if rule is None else self._follow(rule)
        if text:
            self._acts.append(Act(f"{text}\r\n".encode(), self._host.script.limits.slow))
        if text.startswith(("221", "421")) or (stage == "greeting" and text.startswith("5")):
            self._end("close")


def _is_address(text: str) -> bool:
    try:
        Address(text)
    except InvalidAddress:
        return False
    return True


def _decoded(answer: str) -> str:
    try:
        return b64decode(answer, validate=True).decode("utf-8", "replace")
    except Error:
        return ""
