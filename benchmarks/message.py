"""From an object to the octets of a mail: smtpkit beside the standard library and peers, as ratios."""

from __future__ import annotations

import os
from importlib.util import find_spec
from itertools import count
from statistics import median
from time import process_time
from typing import TYPE_CHECKING, NamedTuple

from benchmarks import mails
from benchmarks.table import Table
from smtpkit import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.mails import Mail

__all__ = ["tables"]

numbers = count()

ABOUT = """\
Every message is built from strings, with a fresh Date and Message-ID. The time is CPU time, the median of {runs} runs;
the libraries take turns, so that a busy machine is as unfair to one as to the other. Times as fast as
`email.message.EmailMessage`:"""
MERGE = """\
One template, and a new recipient for each of {rounds} messages. An attachment is encoded once: how much longer a
message takes with 1 MiB attached than without."""


class Work(NamedTuple):
    """One mail to build."""

    name: str
    goal: float
    """How many times as fast as ``EmailMessage`` smtpkit is to be."""
    rounds: int
    mail: Mail


WORKS = (
    Work("short ASCII text, 1 recipient", 50, 2000, mails.SHORT),
    Work("text + 4 kB HTML, 5 recipients", 45, 400, mails.NAMED),
    Work("the same + 1 MiB", 11, 20, mails.NAMED._replace(file=os.urandom(1 << 20))),
    Work("25 MiB attachment", 11, 1, mails.NAMED._replace(file=os.urandom(25 << 20))),
)


def made_new(mail: Mail, number: int) -> Mail:
    """``mail`` with texts, a file and recipients that no cache has seen."""
    html = mail.html and f"{mail.html}<!-- {number} -->"
    to = tuple(each.replace("@", f"{number}@").replace(" ", f"{number % 97} ", 1) for each in mail.to)
    file = mail.file and mail.octets[:-8] + number.to_bytes(8)
    return mail._replace(text=f"{mail.text}{number}", html=html, to=to, file=file)


def libraries() -> dict[str, Callable[[Mail], object]]:
    """Those that are installed here, by name."""
    found: dict[str, Callable[[Mail], object]] = {
        "smtpkit": lambda mail: mails.smtpkit(mail).as_bytes(),
        "EmailMessage": lambda mail: mails.email_message(mail).as_bytes(),
        "MIMEText": lambda mail: mails.mime_text(mail).as_bytes(policy=mails.COMPAT32),
    }
    if mails.configured_django():
        found["Django"] = lambda mail: mails.django(mail).message().as_bytes(linesep="\r\n")
    if find_spec("redmail"):
        found["redmail"] = lambda mail: mails.redmail(mail).as_bytes()
    return found


def seconds(build: Callable[[Mail], object], mail: Mail, rounds: int) -> float:
    fresh = [made_new(mail, next(numbers)) for _ in range(rounds)]
    begin = process_time()
    for each in fresh:
        build(each)
    return (process_time() - begin) / rounds


def medians(work: Work, builders: Mapping[str, Callable[[Mail], object]], runs: int) -> dict[str, float]:
    """Seconds that each library takes for one mail."""
    taken: dict[str, list[float]] = {name: [] for name in builders}
    for _ in range(runs):
        for name, build in builders.items():
            rounds = work.rounds if name == "smtpkit" else max(work.rounds // 10, 1)
            taken[name].append(seconds(build, work.mail, rounds))
    return {name: median(times) for name, times in taken.items()}


def mail_merge(rounds: int) -> tuple[float, float]:
    """Seconds per message from one template, without and with an attachment of 1 MiB."""
    plain = Message().from_("Shop <shop@example.com>").subject(mails.SUBJECT).text(mails.TEXT).html(mails.HTML)
    taken: list[float] = []
    for base in (plain, plain.attach(os.urandom(1 << 20), filename="data.bin")):
        begin = process_time()
        for number in range(rounds):
            for _ in base.to(f"new{number}@example.com").chunks():
                pass
        taken.append((process_time() - begin) / rounds)
    return taken[0], taken[1]


def tables(runs: int = 5, rounds: int = 1000) -> list[Table]:
    """Each library's speed relative to ``EmailMessage``, and a mail merge with an attachment."""
    builders = libraries()
    rows: list[tuple[str, ...]] = []
    for work in WORKS:
        taken = medians(work, builders, runs)
        ratios = (f"{taken['EmailMessage'] / each:.1f}" for each in taken.values())
        rows.append((work.name, *ratios, f"{work.goal:.0f}", f"{taken['smtpkit'] * 1e6:,.1f} µs"))
    head = ("", *builders, "smtpkit's goal", "smtpkit")
    without, attached = mail_merge(rounds)
    merge = ("a message, with the attachment over without", f"{attached / without:.2f}", "at most 1.5")
    return [
        Table("Building a message", ABOUT.format(runs=runs), head, rows),
        Table("A mail merge with an attachment", MERGE.format(rounds=rounds), ("", "smtpkit", "goal"), [merge]),
    ]
