"""Nothing happens at import: no I/O, no global changed, nothing heavy loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

pytestmark = pytest.mark.structure

STATEMENT = "from smtpkit import Mailer, Message"

UNWANTED = (
    "asyncio",
    "dataclasses",
    "email.message",
    "email_validator",
    "idna",
    "inspect",
    "socket",
    "ssl",
    "typing_extensions",
)

WATCH = f"""
import sys

events = []

def hook(event, arguments):
    if event == "open" or event.partition(".")[0] in {{"socket", "subprocess", "os", "ctypes", "shutil", "tempfile"}}:
        events.append((event, str(arguments[0]) if arguments else ""))

before = set(sys.modules)
sys.addaudithook(hook)
{STATEMENT}
seen, loaded = tuple(events), sorted(set(sys.modules) - before)
import json
print(json.dumps({{"events": seen, "loaded": loaded}}))
"""

# What a library may not touch, as expressions that are the same before and after.
STATE = (
    "dict(email.charset.ALIASES)",
    "dict(email.charset.CHARSETS)",
    "dict(email.charset.CODEC_MAP)",
    "dict(logging.Logger.manager.loggerDict)",
    "dict(os.environ)",
    "list(logging.root.handlers)",
    "list(signal.getsignal(number) for number in signal.valid_signals())",
    "list(sys.path)",
    "list(sys.meta_path)",
    "list(warnings.filters)",
    "locale.setlocale(locale.LC_ALL)",
    "logging.raiseExceptions",
    "logging.root.level",
    "logging.root.disabled",
    "mimetypes.inited",
    "socket.getdefaulttimeout()",
    "sys.excepthook",
    "sys.getrecursionlimit()",
    "threading.active_count()",
    "threading.excepthook",
    "warnings.showwarning",
)

COMPARE = f"""
import email.charset, json, locale, logging, mimetypes, os, signal, socket, sys, threading, warnings

expressions = {STATE!r}
before = [repr(eval(each)) for each in expressions]
{STATEMENT}
print(json.dumps([each for each, was in zip(expressions, before, strict=True) if repr(eval(each)) != was]))
"""


@cache
def run(code: str) -> Any:
    # -B: writing a .pyc file would be seen as I/O of ours.
    command = [sys.executable, "-B", "-W", "error", "-c", code]
    ran = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_import_does_no_io() -> None:
    looks_for_modules = {"os.listdir", "os.scandir"}
    others = [
        (event, argument)
        for event, argument in run(WATCH)["events"]
        if event not in looks_for_modules and not (event == "open" and argument.endswith((".py", ".pyc")))
    ]
    assert others == []


@pytest.mark.parametrize("module", UNWANTED)
def test_import_does_not_load(module: str) -> None:
    assert module not in run(WATCH)["loaded"]


def test_import_changes_no_global() -> None:
    assert run(COMPARE) == []
