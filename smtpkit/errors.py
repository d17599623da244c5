"""Every error that smtpkit raises.

::

    SmtpkitError
    ├── UsageError                       what was given cannot work; nothing was sent
    │   ├── InvalidAddress               (ValueError) not one mailbox, or not a valid one
    │   ├── InvalidHeader                (ValueError) CR, LF or NUL, a bad name, a reserved name
    │   ├── InvalidMessage               (ValueError) text, file name or id that no mail can carry
    │   │   ├── MissingSender            no From and no ``default_from``
    │   │   └── NoRecipients             no To, Cc or Bcc
    │   ├── UnreadableAttachment         (OSError) missing, not a file, no permission, changed while read
    │   ├── InvalidConfiguration         (ValueError) a URL, variable or option that cannot be used
    │   └── UnknownProvider              (LookupError) no preset of that name, with the nearest names
    └── DeliveryError                    sending was tried; carries the receipt
        ├── LimitExceeded                the account's limit is used up; nothing was sent
        │   ├── DailyLimitExceeded       that of a day
        │   └── RateLimitExceeded        that of another time, and waiting for room takes too long
        ├── NetworkForbidden             a test suite forbids real sending; nothing was sent
        ├── ConnectFailed                (ConnectionError) name not found, refused, unreachable
        ├── ServiceUnavailable           (ConnectionError) the server said 421, or no greeting of 220
        ├── TlsFailed                    (ConnectionError) the handshake did not succeed
        │   ├── StartTlsNotOffered       the server has no STARTTLS here; nothing secret was sent
        │   ├── StartTlsRefused          the server offered STARTTLS and then refused it
        │   ├── CertificateUntrusted     unknown CA, self-signed, expired
        │   └── CertificateHostMismatch  a valid certificate for another host
        ├── AuthenticationFailed         the server refused the log-in
        │   └── NoCommonMechanism        nothing both sides can use, or not without TLS
        ├── RequireTlsUnsupported        the mail requires TLS on its whole way, which cannot be had here
        ├── SenderRefused                MAIL was refused: nobody got it
        ├── RecipientsRefused            some or all RCPT were refused
        ├── ContentRefused               the content was refused: nobody got it
        ├── ProtocolError                the server does not speak SMTP as RFC 5321 has it
        ├── ConnectionLost               (ConnectionError) closed or reset before the content was complete
        ├── TimedOut                     (TimeoutError) no answer, or no progress, in time
        ├── TransportFailed              a transport of your own raised an error, or left somebody out
        └── DeliveryUncertain            the content was complete, and no final reply came

`SmtpkitError.receipt` has the outcome of every recipient. After a `DeliveryUncertain` or
`TransportFailed` the mail may have arrived, and nothing sends it again by itself, but for a
``Retry(uncertain="retry")``; with every other delivery error nobody has got it but those whom
the receipt lists as accepted.

The builtin in parentheses is what callers would catch: `except OSError` gets all that the network does. A refused
log-in is no ``PermissionError``: that is about the rights of a process on this machine, such as those on a file.
Stages, replies and what is temporary are in docs/errors.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.base_error import SmtpkitError, Stage

if TYPE_CHECKING:
    from datetime import datetime

__all__ = [
    "AuthenticationFailed",
    "CertificateHostMismatch",
    "CertificateUntrusted",
    "ConnectFailed",
    "ConnectionLost",
    "ContentRefused",
    "DailyLimitExceeded",
    "DeliveryError",
    "DeliveryUncertain",
    "InvalidAddress",
    "InvalidConfiguration",
    "InvalidHeader",
    "InvalidMessage",
    "LimitExceeded",
    "MissingSender",
    "NetworkForbidden",
    "NoCommonMechanism",
    "NoRecipients",
    "ProtocolError",
    "RateLimitExceeded",
    "RecipientsRefused",
    "RequireTlsUnsupported",
    "SenderRefused",
    "ServiceUnavailable",
    "SmtpkitError",
    "Stage",
    "StartTlsNotOffered",
    "StartTlsRefused",
    "TimedOut",
    "TlsFailed",
    "TransportFailed",
    "UnknownProvider",
    "UnreadableAttachment",
    "UsageError",
]


class UsageError(SmtpkitError):
    """What was given cannot work. Nothing was sent."""

    stage: Stage | None = "compose"


class InvalidAddress(UsageError, ValueError):
    """The text is not one valid mailbox (RFC 5322 §3.4, RFC 5321 §4.1.2)."""


class InvalidHeader(UsageError, ValueError):
    """A header field that cannot or must not be written (RFC 5322 §2.2)."""


class InvalidMessage(UsageError, ValueError):
    """Content that no mail can carry, or a message that lacks a part."""


class MissingSender(InvalidMessage):
    """The message has no From, and the mailer no ``default_from``."""


class NoRecipients(InvalidMessage):
    """The message has no To, Cc or Bcc, and no envelope was given."""


class UnreadableAttachment(UsageError, OSError):
    """A file that cannot be read or changed its size while it was sent, or a factory of chunks that raised."""


class InvalidConfiguration(UsageError, ValueError):
    """A URL, environment variable, option or combination of them that cannot be used."""

    stage: Stage | None = "configure"


class UnknownProvider(UsageError, LookupError):
    """No provider of that name or domain is registered."""

    stage: Stage | None = "configure"


class DeliveryError(SmtpkitError):
    """Sending was tried and did not succeed for every recipient."""


class LimitExceeded(DeliveryError):
    """A limit of the account is used up; nothing was sent.

    ``limit`` and ``used`` are in the limit's unit (messages or recipients); ``resets_at``
    is the earliest time at which this mail fits again (aware, UTC).
    """

    stage: Stage | None = "limit"
    temporary = True
    limit: int = 0
    used: int = 0
    resets_at: datetime | None = None


class DailyLimitExceeded(LimitExceeded):
    """The limit of a day is used up; nothing was sent."""


class RateLimitExceeded(LimitExceeded):
    """The limit of a second, minute, hour or month is used up, and there is no room in time; nothing was sent."""


class NetworkForbidden(DeliveryError):
    """`smtpkit.testing.forbid_network` or ``SMTPKIT_FORBID_NETWORK`` forbids real sending; nothing was sent."""

    stage: Stage | None = "connect"


class ConnectFailed(DeliveryError, ConnectionError):
    """No connection: the name was not found, or no address of it answered."""

    stage: Stage | None = "connect"
    temporary = True


class ServiceUnavailable(DeliveryError, ConnectionError):
    """The server closes the connection with 421, or greets with something other than 220."""


class TlsFailed(DeliveryError, ConnectionError):
    """The TLS handshake did not succeed. Nothing secret was sent."""

    stage: Stage | None = "tls"


class StartTlsNotOffered(TlsFailed):
    """The server does not offer STARTTLS, which is required (RFC 3207)."""

    stage: Stage | None = "starttls"


class StartTlsRefused(TlsFailed):
    """The server offered STARTTLS and answered the command with an error."""

    stage: Stage | None = "starttls"


class CertificateUntrusted(TlsFailed):
    """The server's certificate is not signed by a CA known here, or is not valid now."""


class CertificateHostMismatch(TlsFailed):
    """The server's certificate is for another host name."""


class AuthenticationFailed(DeliveryError):
    """The server did not accept the credentials (RFC 4954)."""

    stage: Stage | None = "auth"


class NoCommonMechanism(AuthenticationFailed):
    """The server offers no authentication mechanism that may be used here."""


class RequireTlsUnsupported(DeliveryError):
    """The mail requires TLS on its whole way, which cannot be had by this server (RFC 8689): nobody got it."""

    stage: Stage | None = "mail"


class SenderRefused(DeliveryError):
    """The server refused the reverse-path (MAIL), or does not offer what it needs: nobody got the mail."""

    stage: Stage | None = "mail"


class RecipientsRefused(DeliveryError):
    """The server refused recipients (RCPT). ``receipt.refused`` has the reply for each."""

    stage: Stage | None = "rcpt"


class ContentRefused(DeliveryError):
    """The server refused the content, or does not offer what it needs: nobody got the mail."""

    stage: Stage | None = "content"


class ProtocolError(DeliveryError):
    """The other side does not speak SMTP, or breaks its rules. The connection is dropped."""


class ConnectionLost(DeliveryError, ConnectionError):
    """The connection ended before the content was complete: nobody got the mail."""

    temporary = True


class TimedOut(DeliveryError, TimeoutError):
    """No answer or no progress in time, before the content was complete: nobody got the mail."""

    temporary = True


class TransportFailed(DeliveryError):
    """A transport that is not smtpkit's own raised an error, or gave a receipt without all recipients.

    The error is the ``__cause__``. Whether anything was sent is not known, so those recipients are *uncertain*.
    """

    stage: Stage | None = "transport"
    _in_doubt = True


class DeliveryUncertain(DeliveryError):
    """The content was handed over completely, and no final reply came.

    The mail may have been accepted: sending it again may give a second copy.
    """

    stage: Stage | None = "content"
    _in_doubt = True
