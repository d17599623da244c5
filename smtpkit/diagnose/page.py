"""A report as people read it: what is wrong first."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smtpkit.diagnose.report import Report, Status, Step

__all__ = ["page"]

_WIDTH = 100
_MARKS: dict[Status, str] = {"failed": "FAILED", "warning": "warning", "ok": "ok", "skipped": "-"}
_TITLES = {
    "resolve": "host name",
    "connect": "connection",
    "greeting": "greeting",
    "tls": "TLS",
    "ehlo": "EHLO",
    "login": "log-in",
    "sender": "sender",
    "recipient": "recipient",
    "limit": "limit",
    "transport": "transport",
    "alignment": "From",
    "mx": "MX",
    "spf": "SPF",
    "dkim": "DKIM",
    "dmarc": "DMARC",
}


def page(report: Report) -> str:
    """``report``, with a verdict, then what failed, what is not good, and the rest in its order."""
    worst_first = (*report.failed, *report.warnings, *_rest(report.steps))
    return "\n".join([_verdict(report), "", *(line for step in worst_first for line in _lines(step))])


def _rest(steps: Iterable[Step]) -> tuple[Step, ...]:
    return tuple(step for step in steps if step.status in ("ok", "skipped"))


def _verdict(report: Report) -> str:
    found = [
        _counted(len(report.failed), "thing keeps mail from going out", "things keep mail from going out"),
        _counted(len(report.warnings), "warning", "warnings"),
    ]
    return "; ".join(filter(None, found)) or "All is well. Nothing was sent."


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}" if number else ""


def _lines(step: Step) -> list[str]:
    from textwrap import wrap

    head = f"{_MARKS[step.status]:<8}{_TITLES[step.name]:<11}"
    subject = f"{step.subject}: " if step.subject and step.subject not in step.text else ""
    indent = " " * len(head)

    # A word may be longer than a line: an address of a page is not broken.
    def wrapped(text: str, first: str) -> list[str]:
        return wrap(_printable(text), _WIDTH, initial_indent=first, subsequent_indent=indent, break_long_words=False,
                    break_on_hyphens=False)  # fmt: skip

    lines = wrapped(f"{subject}{step.text}", head)
    return [*lines, *wrapped(f"-> {step.hint}", indent)] if step.hint else lines


def _printable(text: str) -> str:
    """``text`` as it may be written on a terminal: whoever owns a name in DNS has no say there."""
    return "".join(sign if sign.isprintable() else " " for sign in text)
