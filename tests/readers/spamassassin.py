"""SpamAssassin, which knows what mails that nobody wants look like, and which of them no mail program writes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from email import message_from_bytes
from email.utils import formatdate, parseaddr
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SECONDS = 120.0
# Rules only, and all of them on one line; mails stay as they are.
_PREFERENCES = "clear_headers\nadd_header all Rules _TESTS_\nfold_headers 0\nreport_safe 0\nuse_bayes 0\n"
_RULES = re.compile(rb"^X-Spam-Rules: (.*)$", re.MULTILINE)
_NAME = re.compile(rb"^X-Sample: (.*)$", re.MULTILINE)


def find_spamassassin() -> str | None:
    """The path of the program, if it is here."""
    return shutil.which("spamassassin")


def rules_hit(program: str, mails: Mapping[str, bytes], directory: Path) -> dict[str, set[str]]:
    """The rules that each of the ``mails`` hits, found by one process that asks no network.

    The mails come as from a mail server: with line feeds, and with the trace fields of ``example.net``.
    """
    preferences = directory / "preferences"
    preferences.write_text(_PREFERENCES)
    paths: list[Path] = []
    for name, mail in mails.items():
        paths.append(directory / f"{name}.eml")
        paths[-1].write_bytes(f"X-Sample: {name}\n".encode() + _traced(mail))
    found = subprocess.run(
        [program, "--local", "--test-mode", f"--prefspath={preferences}", *paths],
        env={**os.environ, "HOME": str(directory)},  # where it keeps files of its own
        check=True,
        capture_output=True,
        timeout=_SECONDS,
    ).stdout
    names = [name.decode() for name in _NAME.findall(found)]
    hit = [set(rules.decode().split(",")) - {"none"} for rules in _RULES.findall(found)]
    return dict(zip(names, hit, strict=True))


def _traced(mail: bytes) -> bytes:
    """``mail`` with the fields that the servers on its way put before it."""
    head = message_from_bytes(mail)
    return (
        f"Return-Path: <{parseaddr(head['From'])[1]}>\n"
        "Received: from mail.example.com (mail.example.com [93.184.216.34])\n"
        "\tby mx.example.net (Postfix) with ESMTPS id 4XYZ12345Hz1\n"
        f"\tfor <bob@example.net>; {head['Date'] or formatdate()}\n"
    ).encode() + mail.replace(b"\r\n", b"\n")
