"""When the server says that a limit is reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.pattern import Pattern

if TYPE_CHECKING:
    from smtpkit.limits.limit import Limit
    from smtpkit.limits.window import Per
    from smtpkit.reply import Reply
    from smtpkit.runtime.base import Runtime

__all__ = ["is_spent", "learn"]

_QUOTAS: tuple[tuple[str, int, str | None, Pattern[str]], ...] = (
    # provider, code, enhanced code, text; where each is stated
    # businesshabit.com
    ("gmail", 550, "5.4.5", Pattern(r"(?i)daily (user )?sending (limit|quota) exceeded")),
    ("google_workspace", 550, "5.4.5", Pattern(r"(?i)daily (user )?sending (limit|quota) exceeded")),
    # https://support.google.com/a/answer/2956491
    ("google_workspace_relay", 550, None, Pattern(r"(?i)daily smtp relay (sending )?limit exceeded for")),
    # https://learn.microsoft.com/exchange/mail-flow-best-practices/non-delivery-reports-in-exchange-online
    ("microsoft365", 554, "5.2.2", Pattern(r"(?i)submission quota (was )?exceeded")),
    # https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-smtp.html
    ("amazon_ses", 454, None, Pattern(r"(?i)daily message quota exceeded")),
    # https://www.twilio.com/docs/sendgrid/for-developers/sending-email/smtp-errors-and-troubleshooting
    ("sendgrid", 451, None, Pattern(r"(?i)maximum credits exceeded")),
    # not verified
    ("mailgun", 421, None, Pattern(r"(?i)recipient limit exceeded")),
    # https://support.apple.com/102198
    ("icloud", 550, "5.7.1", Pattern(r"(?i)exceeded your daily sending limit")),
    # https://support.startmail.com/hc/en-us/articles/360006737337
    ("startmail", 550, "5.7.1", Pattern(r"(?i)your mail limit has been reached")),
    # https://www.ionos.com/help/email/general-topics/what-are-the-mass-mailing-limits/
    ("ionos", 450, None, Pattern(r"(?i)mail send limit exceeded")),
    # https://help.dreamhost.com/hc/en-us/articles/215730437-SMTP-quota-limits
    ("dreamhost", 550, None, Pattern(r"(?i)policy rejection-? ?quota exceeded")),
    # https://www.godaddy.com/help/a-313
    ("godaddy", 554, None, Pattern(r"(?i)reached your daily relay quota")),
    # https://emailit.com/docs/limits
    ("emailit", 452, "4.5.3", Pattern(r"(?i)daily message limit exceeded")),
    # not verified
    ("cpanel", 550, None, Pattern(r"(?i)has exceeded the max (emails|defers and failures) per hour")),
    # https://support.onlydomains.com/hc/en-gb/articles/10779940366237
    ("any", 550, "5.4.6", Pattern(r"(?i)sender (domain )?(hourly|daily)?\s*quota exceeded")),
    # aditsystems.info
    ("any", 554, None, Pattern(r"(?i)message count quota exceeded")),
)

_OF_A_DAY: tuple[Per, ...] = ("rolling-24h", "calendar-day")
_WINDOWS: tuple[tuple[str, tuple[Per, ...]], ...] = (("hour", ("hour",)), ("month", ("month", "calendar-month")))
"""A word in a reply, and the windows that it means."""


def is_spent(reply: Reply, provider: str | None) -> bool:
    """Whether the server says that the account has sent as much as it may in a day, hour or month.

    ``provider`` is the name of a preset; ``None`` where the transport is somebody's own.
    """
    return any(
        (reply.code, enhanced or reply.enhanced_code) == (code, reply.enhanced_code) and text.search(reply.text)
        for name, code, enhanced, text in _QUOTAS
        if provider is None or name in ("any", provider)
    )


async def learn(limit: Limit, account: str, reply: Reply, provider: str | None, runtime: Runtime) -> None:
    """Count ``limit`` as used up, if the server means it."""
    if is_spent(reply, provider) and limit.per in _meant(reply.text.lower()):
        await limit.exhausted(account, runtime)


def _meant(text: str) -> tuple[Per, ...]:
    """The windows of which ``text`` speaks; those of a day if it names none."""
    return next((windows for word, windows in _WINDOWS if word in text), _OF_A_DAY)
