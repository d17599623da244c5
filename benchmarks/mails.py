"""The mails that the benchmarks build and send, and how each library builds one."""

from __future__ import annotations

from email import policy
from email.message import EmailMessage
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import formatdate, make_msgid
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from smtpkit import Message

__all__ = [
    "COMPAT32",
    "HTML",
    "NAMED",
    "SHORT",
    "SUBJECT",
    "TEXT",
    "Mail",
    "configured_django",
    "django",
    "email_message",
    "mime_text",
    "redmail",
    "smtpkit",
]

COMPAT32 = policy.compat32.clone(linesep="\r\n")
"""What the older classes of the standard library are generated with."""


class Mail(NamedTuple):
    """What is in a mail, before a library builds it."""

    sender: str
    to: tuple[str, ...]
    subject: str
    text: str
    html: str | None = None
    file: bytes | Path | None = None

    @property
    def octets(self) -> bytes:
        """The file's, for libraries that take no path."""
        return self.file.read_bytes() if isinstance(self.file, Path) else self.file or b""


TEXT = "Hi Ann,\nhow are you?\n" * 5
HTML = "<p>Größe und Äpfel, <b>fett</b> und <i>schräg</i>: all that a newsletter has in its body.</p>\n" * 45
SUBJECT = "Grüße an alle von uns"
_TO = (
    "Zoë Ünal <zoe@example.com>",
    "Jörg Müller <joerg@example.com>",
    "Ånn <ann@example.com>",
    "Bøb Smith <bob@example.com>",
    "Çelik <celik@example.com>",
)
SHORT = Mail("Shop <shop@example.com>", ("ann@example.com",), "Hello", TEXT)
NAMED = Mail("Shöp <shop@example.com>", _TO, SUBJECT, TEXT, HTML)


def smtpkit(mail: Mail) -> Message:
    message = Message().from_(mail.sender).to(*mail.to).subject(mail.subject).text(mail.text)
    if mail.html:
        message = message.html(mail.html)
    if mail.file:
        message = message.attach(mail.file, filename="data.bin")
    return message


def email_message(mail: Mail) -> EmailMessage:
    message = EmailMessage(policy=policy.SMTP)
    message["From"], message["To"], message["Subject"] = mail.sender, ", ".join(mail.to), mail.subject
    message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain="example.com")
    message.set_content(mail.text)
    if mail.html:
        message.add_alternative(mail.html, subtype="html")
    if mail.file:
        message.add_attachment(mail.octets, maintype="application", subtype="octet-stream", filename="data.bin")
    return message


def mime_text(mail: Mail) -> MIMEText | MIMEMultipart:
    text = MIMEText(mail.text, "plain", "utf-8")
    root: MIMEText | MIMEMultipart = text
    if mail.html:
        root = MIMEMultipart("alternative", None, [text, MIMEText(mail.html, "html", "utf-8")])
    if mail.file:
        file = MIMEApplication(mail.octets)
        file.add_header("Content-Disposition", "attachment", filename="data.bin")
        root = MIMEMultipart("mixed", None, [root, file])
    root["From"], root["To"], root["Subject"] = mail.sender, ", ".join(mail.to), mail.subject
    root["Date"], root["Message-ID"] = formatdate(), make_msgid(domain="example.com")
    return root


def django(mail: Mail) -> Any:
    """One of Django's; its settings have to be `configured_django` before."""
    message: Any = import_module("django.core.mail").EmailMultiAlternatives(
        mail.subject, mail.text, mail.sender, mail.to
    )
    if mail.html:
        message.attach_alternative(mail.html, "text/html")
    if mail.file:
        message.attach("data.bin", mail.octets, "application/octet-stream")
    return message


def redmail(mail: Mail) -> EmailMessage:
    library: Any = import_module("redmail")
    message: EmailMessage = library.EmailSender("localhost", 25).get_message(
        subject=mail.subject,
        sender=mail.sender,
        receivers=list(mail.to),
        text=mail.text,
        html=mail.html,
        attachments={"data.bin": mail.octets} if mail.file else None,
        use_jinja=False,
    )
    return message


def configured_django() -> bool:
    """Whether Django is installed, and then it is set up."""
    if not find_spec("django"):
        return False
    conf: Any = import_module("django.conf")
    conf.settings.configure(USE_TZ=True)
    return True
