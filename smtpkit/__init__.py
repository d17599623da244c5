"""Sending mail over SMTP: ``from smtpkit import Mailer``."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smtpkit import errors, events, limits, oauth2, providers
    from smtpkit.address import Address
    from smtpkit.attachment import Attachment
    from smtpkit.dsn import DsnRequest, RecipientDsn
    from smtpkit.envelope import Envelope
    from smtpkit.errors import (
        AuthenticationFailed,
        CertificateHostMismatch,
        CertificateUntrusted,
        ConnectFailed,
        ConnectionLost,
        ContentRefused,
        DailyLimitExceeded,
        DeliveryError,
        DeliveryUncertain,
        InvalidAddress,
        InvalidConfiguration,
        InvalidHeader,
        InvalidMessage,
        LimitExceeded,
        MissingSender,
        NetworkForbidden,
        NoCommonMechanism,
        NoRecipients,
        ProtocolError,
        RateLimitExceeded,
        RecipientsRefused,
        RequireTlsUnsupported,
        SenderRefused,
        ServiceUnavailable,
        SmtpkitError,
        StartTlsNotOffered,
        StartTlsRefused,
        TimedOut,
        TlsFailed,
        TransportFailed,
        UnknownProvider,
        UnreadableAttachment,
        UsageError,
    )
    from smtpkit.keyring import from_keyring
    from smtpkit.limits import DailyLimit, RateLimit
    from smtpkit.mail import Mail
    from smtpkit.mailer import AsyncBatch, AsyncDraft, AsyncMailer, Batch, Draft, Mailer
    from smtpkit.message import Message
    from smtpkit.providers import Discovered, Provider, discover, discover_async
    from smtpkit.raw import RawMessage
    from smtpkit.receipt import Outcome, Receipt
    from smtpkit.reply import Reply
    from smtpkit.retry import Retry
    from smtpkit.smtp.timeouts import Timeouts
    from smtpkit.testing.fake import FakeTransport
    from smtpkit.tls import InsecureTlsWarning, Tls, insecure_tls
    from smtpkit.transports.base import Transport
    from smtpkit.transports.failover import FailoverTransport
    from smtpkit.transports.function import transport_from_function
    from smtpkit.transports.round_robin import RoundRobinTransport
    from smtpkit.transports.smtp import PlaintextSmtpTransport, SmtpSslTransport, SmtpTlsTransport

__all__ = [
    "Address",
    "AsyncBatch",
    "AsyncDraft",
    "AsyncMailer",
    "Attachment",
    "AuthenticationFailed",
    "Batch",
    "CertificateHostMismatch",
    "CertificateUntrusted",
    "ConnectFailed",
    "ConnectionLost",
    "ContentRefused",
    "DailyLimit",
    "DailyLimitExceeded",
    "DeliveryError",
    "DeliveryUncertain",
    "Discovered",
    "Draft",
    "DsnRequest",
    "Envelope",
    "FailoverTransport",
    "FakeTransport",
    "InsecureTlsWarning",
    "InvalidAddress",
    "InvalidConfiguration",
    "InvalidHeader",
    "InvalidMessage",
    "LimitExceeded",
    "Mail",
    "Mailer",
    "Message",
    "MissingSender",
    "NetworkForbidden",
    "NoCommonMechanism",
    "NoRecipients",
    "Outcome",
    "PlaintextSmtpTransport",
    "ProtocolError",
    "Provider",
    "RateLimit",
    "RateLimitExceeded",
    "RawMessage",
    "Receipt",
    "RecipientDsn",
    "RecipientsRefused",
    "Reply",
    "RequireTlsUnsupported",
    "Retry",
    "RoundRobinTransport",
    "SenderRefused",
    "ServiceUnavailable",
    "SmtpSslTransport",
    "SmtpTlsTransport",
    "SmtpkitError",
    "StartTlsNotOffered",
    "StartTlsRefused",
    "TimedOut",
    "Timeouts",
    "Tls",
    "TlsFailed",
    "Transport",
    "TransportFailed",
    "UnknownProvider",
    "UnreadableAttachment",
    "UsageError",
    "discover",
    "discover_async",
    "errors",
    "events",
    "from_keyring",
    "insecure_tls",
    "limits",
    "oauth2",
    "providers",
    "transport_from_function",
]

# Each name is loaded when it is first asked for: `from smtpkit import Mailer, Message` needs no TLS and no sockets.
_MODULES = {
    "smtpkit.address": "Address",
    "smtpkit.attachment": "Attachment",
    "smtpkit.dsn": "DsnRequest RecipientDsn",
    "smtpkit.envelope": "Envelope",
    "smtpkit.errors": """
        AuthenticationFailed
        CertificateHostMismatch
        CertificateUntrusted
        ConnectFailed
        ConnectionLost
        ContentRefused
        DailyLimitExceeded
        DeliveryError
        DeliveryUncertain
        InvalidAddress
        InvalidConfiguration
        InvalidHeader
        InvalidMessage
        LimitExceeded
        MissingSender
        NetworkForbidden
        NoCommonMechanism
        NoRecipients
        ProtocolError
        RateLimitExceeded
        RecipientsRefused
        RequireTlsUnsupported
        SenderRefused
        ServiceUnavailable
        SmtpkitError
        StartTlsNotOffered
        StartTlsRefused
        TimedOut
        TlsFailed
        TransportFailed
        UnknownProvider
        UnreadableAttachment
        UsageError
    """,
    "smtpkit.keyring": "from_keyring",
    "smtpkit.limits": "DailyLimit RateLimit",
    "smtpkit.mail": "Mail",
    "smtpkit.mailer": "AsyncBatch AsyncDraft AsyncMailer Batch Draft Mailer",
    "smtpkit.message": "Message",
    "smtpkit.providers": "Discovered Provider discover discover_async",
    "smtpkit.raw": "RawMessage",
    "smtpkit.receipt": "Outcome Receipt",
    "smtpkit.reply": "Reply",
    "smtpkit.retry": "Retry",
    "smtpkit.smtp.timeouts": "Timeouts",
    "smtpkit.testing.fake": "FakeTransport",
    "smtpkit.tls": "InsecureTlsWarning Tls insecure_tls",
    "smtpkit.transports.base": "Transport",
    "smtpkit.transports.failover": "FailoverTransport",
    "smtpkit.transports.function": "transport_from_function",
    "smtpkit.transports.round_robin": "RoundRobinTransport",
    "smtpkit.transports.smtp": "PlaintextSmtpTransport SmtpSslTransport SmtpTlsTransport",
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names.split()}


if not TYPE_CHECKING:  # or every misspelt name would be one

    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name in ("errors", "events", "limits", "oauth2", "providers"):
            return import_module(f"smtpkit.{name}")
        try:
            module = _MODULE_OF[name]
        except KeyError:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
        found: object = getattr(import_module(module), name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
