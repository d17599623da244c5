"""What a long text costs grows with its length, not with its square, wherever it is given."""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial
from io import StringIO
from typing import TYPE_CHECKING

import pytest

from entrances import ENTRANCES
from smtpkit import Address, ConsoleTransport, Mailer, Message, SmtpkitError
from smtpkit.preview import render

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrances import Entrance

# What regular expressions, tokenizers and normalization stumble over when there is much of it.
UNITS = [
    *"\"'`,;:.<>()[]{}@\\/=?&%#*+-_ \tax0é\u0300\u00a0\ufeff🎉ﷺ",
    *[
        "\r\n ",
        "a.",
        "a@",
        "@a",
        ",a@b",
        '"\\',
        '" ',
        "<a",
        "> <",
        "((",
        "()",
        "a (",
        "a@[",
        "xn--",
        "é.",
        "\u0300\u0316",
    ],
    *[
        "=?",
        "?=",
        "=?utf-8?q?",
        "=?utf-8?q?x?= ",
        "a b",
        " a=",
        "; a=b",
        '; a="',
        "a/",
        "--=_",
        "\n.",
        "\r",
        "cid:",
        "&#",
        "<a ",
        "<style",
        "<!--",
        "<![",
        "</a ",
        "<head>",
        "url(",
        "src=",
        "='",
    ],
]
SHORT, LONG = 20_000, 80_000


def _rendered(entrance: Entrance, text: str) -> bytes:
    return entrance.give(text).as_bytes()


_HTML = b"From: a@example.com\r\nTo: b@example.com\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"

PARSERS: dict[str, Callable[[str], object]] = {
    "Address.parse": Address.parse,
    "Address.parse of a name": lambda text: Address.parse(f"{text} <ann@example.com>"),
    "Address": Address,
    "Address of a domain": lambda text: Address(f"ann@{text}"),
    "str of Address": lambda text: str(Address("ann@example.com", text)),
    "a preview": lambda text: render(_HTML + text.encode()),
    "a card": lambda text: Mailer(ConsoleTransport(StringIO())).send(Message.parse(_HTML + text.encode())),
    **{name: partial(_rendered, entrance) for name, entrance in ENTRANCES.items()},
}


def seconds(use: Callable[[str], object], text: str) -> float:
    """Seconds of the processor."""
    started = time.process_time()
    with suppress(SmtpkitError):
        use(text)
    return time.process_time() - started


@pytest.mark.parametrize("name", PARSERS)
def test_four_times_the_text_takes_four_times_as_long(name: str) -> None:
    use = PARSERS[name]
    for unit in UNITS:
        short, long = unit * (SHORT // len(unit)), unit * (LONG // len(unit))
        # Most take less, and what grows with the square of the text far more: 80 000² / 2 steps are seconds.
        if seconds(use, long) > 0.1:
            fastest = min(seconds(use, long) for _ in range(3))
            # 4 if it grows with the length, 16 if with its square.
            assert fastest < 10 * min(seconds(use, short) for _ in range(3)), ascii(unit)
