"""Sending mail over SMTP: ``from smtpkit import Mailer``."""

from smtpkit import errors, limits, providers
from smtpkit.address import Address
from smtpkit.attachment import Attachment
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
    MissingSender,
    NoCommonMechanism,
    NoRecipients,
    ProtocolError,
    RecipientsRefused,
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
from smtpkit.limits import DailyLimit
from smtpkit.mail import Mail
from smtpkit.mailer import AsyncBatch, AsyncDraft, AsyncMailer, Batch, Draft, Mailer
from smtpkit.message import Message
from smtpkit.providers import Provider
from smtpkit.receipt import Outcome, Receipt
from smtpkit.reply import Reply
from smtpkit.smtp.timeouts import Timeouts
from smtpkit.transports.base import Transport
from smtpkit.transports.fake import FakeTransport
from smtpkit.transports.function import transport_from_function
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
    "Draft",
    "Envelope",
    "FakeTransport",
    "InvalidAddress",
    "InvalidConfiguration",
    "InvalidHeader",
    "InvalidMessage",
    "Mail",
    "Mailer",
    "Message",
    "MissingSender",
    "NoCommonMechanism",
    "NoRecipients",
    "Outcome",
    "PlaintextSmtpTransport",
    "ProtocolError",
    "Provider",
    "Receipt",
    "RecipientsRefused",
    "Reply",
    "SenderRefused",
    "ServiceUnavailable",
    "SmtpSslTransport",
    "SmtpTlsTransport",
    "SmtpkitError",
    "StartTlsNotOffered",
    "StartTlsRefused",
    "TimedOut",
    "Timeouts",
    "TlsFailed",
    "Transport",
    "TransportFailed",
    "UnknownProvider",
    "UnreadableAttachment",
    "UsageError",
    "errors",
    "limits",
    "providers",
    "transport_from_function",
]
