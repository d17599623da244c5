"""Writes docs/errors.md from the classes of smtpkit.errors: ``python scripts/error_table.py``."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import NamedTuple

from smtpkit import errors
from smtpkit.errors import DeliveryError, SmtpkitError, UsageError

PAGE = Path(__file__).parents[1] / "docs" / "errors.md"

HEAD = """\
# Errors

<!-- Written by scripts/error_table.py from smtpkit/errors.py. Do not edit. -->

```
{tree}
```

`str(error)` says what happened, what the server said, and what to do. Besides, every error has

| attribute | what it is |
|---|---|
| `stage` | where it happened, such as `"tls"` or `"rcpt"` |
| `reply` | the server's `Reply` (`code`, `enhanced_code`, `text`), or `None` where there was none |
| `temporary` | whether the same call may succeed later, without a change |
| `hint` | what the caller can do about it, or `None` |
| `receipt` | the `Receipt`, with the outcome of every recipient |
| `recipients` | those who did not accept the mail: refused, not sent or uncertain |
| `safe_to_retry` | whether sending the same mail again cannot give anyone a second copy |
| `__cause__` | the error below it, where there was one; pickling leaves it behind |

`safe_to_retry` is worked out from the receipt: it is true when nobody accepted and nobody is uncertain. So it is false
after a `DeliveryUncertain` or a `TransportFailed`, whose mail may have arrived, and after any error of a mail that some
accepted and others did not: send it again to the refused and not sent ones alone, by `envelope=`.

The builtin of each is what callers would catch: `except OSError` gets all that the network does. A refused log-in is no
`PermissionError`, since that is about the rights of a process on its own machine, such as those on a file.
"""

DELIVERY = """
## When a mail is sent

Several stages mean: wherever it happens. At auth, those about a connection or TLS tell of the endpoint for tokens.

"""

USAGE = """
## What was given cannot work

Nothing was sent, there is no reply, and the same call will fail again.

"""

WHENEVER = "as the reply: 4yz"
_LIMITED = "yes, unless the mail alone is over the limit"


class Facts(NamedTuple):
    """What a class cannot tell by itself. Those that are not in `FACTS` happen at their own stage, without a reply."""

    stages: str
    reply: str = "-"
    temporary: str = ""
    """How it is decided; by the class if not told here."""


FACTS = {
    "LimitExceeded": Facts("limit", temporary=_LIMITED),
    "DailyLimitExceeded": Facts("limit", temporary=_LIMITED),
    "RateLimitExceeded": Facts("limit", temporary=_LIMITED),
    "ServiceUnavailable": Facts("acquire greeting ehlo starttls auth rset mail rcpt data content", "yes", WHENEVER),
    "ConnectFailed": Facts("resolve connect auth"),
    "TlsFailed": Facts("tls auth"),
    "CertificateUntrusted": Facts("tls auth"),
    "CertificateHostMismatch": Facts("tls auth"),
    "StartTlsRefused": Facts("starttls", "to STARTTLS", WHENEVER),
    "AuthenticationFailed": Facts(
        "auth",
        "to AUTH; none where no token or password was to be had",
        f"{WHENEVER}; or as the token endpoint says, or if it cannot be reached",
    ),
    "SenderRefused": Facts("mail", "to MAIL; none where the server does not offer what it needs", WHENEVER),
    "RecipientsRefused": Facts("rcpt", "the first refusal", "if all refusals are"),
    "ContentRefused": Facts(
        "content data mail",
        "to MAIL, DATA or the content; none where the server does not offer what it needs",
        WHENEVER,
    ),
    "ProtocolError": Facts(
        "greeting ehlo starttls auth rset mail rcpt data content", "where what came is one", WHENEVER
    ),
    "ConnectionLost": Facts("greeting ehlo starttls tls auth rset mail rcpt data content"),
    "TimedOut": Facts("acquire connect greeting ehlo starttls tls auth rset mail rcpt data content"),
    "DeliveryUncertain": Facts("content", "where one came that is no answer"),
}


def render() -> str:
    """The page as Markdown."""
    found = [each for name in _in_order() if isinstance(each := getattr(errors, name), type)]
    delivery = [each for each in found if issubclass(each, DeliveryError) and each is not DeliveryError]
    usage = [each for each in found if issubclass(each, UsageError) and each is not UsageError]
    return "".join(
        [
            HEAD.format(tree=_tree()),
            DELIVERY,
            "| error | is also | when | stage | reply | temporary |\n|---|---|---|---|---|---|\n",
            *(_delivery_row(each) for each in delivery),
            USAGE,
            "| error | is also | when | stage |\n|---|---|---|---|\n",
            *(f"| `{each.__name__}` | {_builtin(each)} | {_when(each)} | {each.stage} |\n" for each in usage),
        ]
    )


def _tree() -> str:
    drawing = (errors.__doc__ or "").split("::\n\n")[1].split("\n\n")[0]
    return "\n".join(line.removeprefix("    ") for line in drawing.splitlines())


def _in_order() -> list[str]:
    return [name for name in vars(errors) if name in errors.__all__]


def _delivery_row(error: type[SmtpkitError]) -> str:
    facts = FACTS.get(error.__name__, Facts(error.stage or "-"))
    temporary = facts.temporary or ("yes" if error.temporary else "no")
    cells = (
        f"`{error.__name__}`",
        _builtin(error),
        _when(error),
        facts.stages.replace(" ", ", "),
        facts.reply,
        temporary,
    )
    return f"| {' | '.join(cells)} |\n"


def _builtin(error: type[SmtpkitError]) -> str:
    """The builtin that it is too, other than those that every error is."""
    own = (base.__name__ for base in error.__mro__ if base not in (Exception, BaseException, object))
    return next((f"`{name}`" for name in own if hasattr(builtins, name)), "-")


def _when(error: type[SmtpkitError]) -> str:
    """The first paragraph of the docstring."""
    return " ".join((error.__doc__ or "").split("\n\n")[0].split())


if __name__ == "__main__":
    PAGE.write_text(render(), "utf-8")
