"""Mail on the terminal: for development."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO

from smtpkit.errors import DeliveryError, InvalidConfiguration, SmtpkitError
from smtpkit.receipt import Outcome, Receipt
from smtpkit.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smtpkit.mail import Mail
    from smtpkit.mime.parser.reading import Reading
    from smtpkit.runtime.base import Runtime

__all__ = ["ConsoleTransport"]

_SHOWN_LINES = 40
_WIDTH = 78
_FIELDS = ("From", "Sender", "To", "Cc", "Reply-To", "Subject", "Date")
_BOLD, _DIM, _CYAN, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[36m", "\x1b[0m"


class ConsoleTransport:
    """Shows each mail as a card: who, to whom, the text, the files. For `Mailer` and for `AsyncMailer`.

    Nothing in a mail can steer the terminal: control characters are shown as what they are.

    ::

        mailer = Mailer(ConsoleTransport())
        mailer = Mailer.from_url("console:")

    Args:
        stream: where to write; without it ``sys.stderr``, as it is at that time.
        color: whether to use colours; without it, on a terminal, unless ``NO_COLOR`` is set (https://no-color.org).

    Raises:
        InvalidConfiguration: ``stream`` is nothing to write to.
    """

    def __init__(self, stream: TextIO | None = None, *, color: bool | None = None) -> None:
        if stream is not None and not callable(getattr(stream, "write", None)):
            raise InvalidConfiguration(f"stream={stream!r}", hint="Give sys.stdout, or another text file.")
        self._stream = stream
        self._color = color

    async def send(self, mail: Mail, runtime: Runtime) -> Receipt:
        """Write the card of ``mail``."""
        try:
            await runtime.call(self._write, mail)
        except SmtpkitError:
            raise
        except (OSError, ValueError) as cause:
            error = DeliveryError(f"cannot write on the console: {cause}", stage="transport")
            error.__cause__ = cause
            return Receipt.of(mail, Outcome("not_sent"), error)
        return Receipt.of(mail, Outcome("accepted", Reply(250, ("2.0.0 shown on the console",))))

    async def close(self, runtime: Runtime) -> None:
        """Nothing is held open."""

    def _write(self, mail: Mail) -> None:
        stream = sys.stderr if self._stream is None else self._stream
        card = _styled(_card(mail), color=_wants_color(stream) if self._color is None else self._color)
        encoding = getattr(stream, "encoding", None) or "utf-8"
        # At once, so that the cards of several threads do not mix.
        stream.write(card.encode(encoding, "replace").decode(encoding))
        stream.flush()

    def __repr__(self) -> str:
        return f"ConsoleTransport({'' if self._stream is None else getattr(self._stream, 'name', self._stream)})"


def _wants_color(stream: TextIO) -> bool:
    isatty = getattr(stream, "isatty", None)
    return bool(isatty and isatty()) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _card(mail: Mail) -> Iterator[tuple[str, str]]:
    """Pairs of style and line."""
    from smtpkit.mime.parser.reading import read_mail, size_text

    reading = read_mail(mail.as_bytes())
    yield "edge", "╭" + "─" * (_WIDTH - 1)
    for name in _FIELDS:
        if text := reading.field(name):
            yield ("subject" if name == "Subject" else "field"), f"{name + ':':<10}{text}"
    recipients = ", ".join(address.addr_spec for address in mail.envelope.recipients)
    sender = "" if mail.envelope.reverse_path is None else mail.envelope.reverse_path.addr_spec
    yield "dim", f"{'Envelope:':<10}<{sender}> to {recipients}"
    yield "edge", "├" + "─" * (_WIDTH - 1)
    yield from _body(reading)
    files = reading.files
    if files:
        yield "edge", "├" + "─" * (_WIDTH - 1)
    for part in files:
        name = part.filename or (f"cid:{part.content_id}" if part.content_id else "(no name)")
        yield "file", f"{name}  {part.content_type}  {size_text(len(part.data))}"
    yield "edge", f"╰─ {size_text(mail.size)}, {mail.message_id or 'no Message-ID'}"


def _body(reading: Reading) -> Iterator[tuple[str, str]]:
    from smtpkit.mime.parser.markup import text_of_html

    text, html = reading.text, reading.html
    lines = (text.text if text else text_of_html(html.text) if html else "").rstrip("\n").split("\n")
    if html is not None:
        yield "dim", "(there is HTML, too)" if text else "(the HTML, as text)"
    for line in lines[:_SHOWN_LINES]:
        yield "text", line
    if len(lines) > _SHOWN_LINES:
        yield "dim", f"... {len(lines) - _SHOWN_LINES} more lines"


def _styled(lines: Iterator[tuple[str, str]], *, color: bool) -> str:
    styles = {"subject": _BOLD, "dim": _DIM, "file": _CYAN} if color else {}
    written = list[str]()
    for style, text in lines:
        safe = "".join([sign if sign.isprintable() else _visible(sign) for sign in text])
        if style == "edge":
            written.append(f"{_DIM}{safe}{_PLAIN}" if color else safe)
            continue
        bar = f"{_DIM}│{_PLAIN}" if color else "│"
        written.append(f"{bar} {styles[style]}{safe}{_PLAIN}" if style in styles else f"{bar} {safe}")
    return "\n".join(written) + "\n"


def _visible(sign: str) -> str:
    if sign == "\t":
        return "    "
    return repr(sign)[1:-1]
