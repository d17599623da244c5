"""What a check found: a value for programs, a page for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from smtpkit.value import value

if TYPE_CHECKING:
    from typing import Any

__all__ = ["Report", "Status", "Step", "StepName"]

Status: TypeAlias = Literal["ok", "warning", "failed", "skipped"]
"""``failed``: no mail goes out like this; ``warning``: it goes out, and may land in spam, or will not for long."""

StepName: TypeAlias = Literal[
    "resolve", "connect", "greeting", "tls", "ehlo", "login", "sender", "recipient", "limit", "transport",
    "alignment", "mx", "spf", "dkim", "dmarc",
]  # fmt: skip
"""What was looked at: ``sender`` is MAIL, ``recipient`` RCPT, and ``alignment`` whether From fits the account."""


@value
class Step:
    """One thing that was looked at."""

    name: StepName
    status: Status
    text: str
    """What was found."""
    hint: str | None = None
    """What to do about it."""
    subject: str = ""
    """The server or domain that it is about."""


@value
class Report:
    """What `Mailer.check` found, in the order in which a mail meets it. ``str()`` is a page, the worst first."""

    steps: tuple[Step, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing failed. Warnings do not count: see `warnings`."""
        return not self.failed

    @property
    def failed(self) -> tuple[Step, ...]:
        """What keeps mail from going out."""
        return tuple(step for step in self.steps if step.status == "failed")

    @property
    def warnings(self) -> tuple[Step, ...]:
        """What lets mail go out, and is not good."""
        return tuple(step for step in self.steps if step.status == "warning")

    @property
    def exit_code(self) -> int:
        """For scripts: 0 if `ok`, else 1."""
        return int(not self.ok)

    def step(self, name: StepName, subject: str | None = None) -> Step | None:
        """The first step of that name, about ``subject`` if given; ``None`` if there is none."""
        found = (step for step in self.steps if step.name == name and subject in (None, step.subject))
        return next(found, None)

    def as_dict(self) -> dict[str, Any]:
        """It as JSON has it."""
        return {
            "ok": self.ok,
            "steps": [{name: getattr(step, name) for name in Step.__match_args__} for step in self.steps],
        }

    def as_json(self) -> str:
        """`as_dict` as text."""
        import json

        return json.dumps(self.as_dict(), indent=2, ensure_ascii=False)

    def __str__(self) -> str:
        from smtpkit.diagnose.page import page

        return page(self)
