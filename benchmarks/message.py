"""From an object to the octets of a mail: smtpkit beside the standard library and peers, as ratios.

Every message is built from strings with a fresh Date and Message-ID. The time is client CPU;
the libraries take turns, so that a busy machine is as unfair to one as to the other.
"""

from __future__ import annotations

import os
from email import policy
from email.message import EmailMessage
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import formatdate, make_msgid
from importlib import import_module
from importlib.util import find_spec
from itertools import count
from statistics import median
from time import process_time
from typing import TYPE_CHECKING, Any, NamedTuple

from smtpkit import Message

if TYPE_CHECKING:
    from collections.abc import Callable


numbers = count()


class Work(NamedTuple):
    """One mail to build."""

    name: str
    goal: float
    """How many times as fast as ``EmailMessage`` smtpkit is to be."""
    rounds: int
    sender: str
    to: tuple[str, ...]
    subject: str
    text: str
    html: str | None = None
    file: bytes | None = None


TEXT = "Hi Ann,\nhow are you?\n" * 5
HTML = "<p>Größe und Äpfel, <b>fett</b> und <i>schräg</i>: all that a newsletter has in its body.</p>\n" * 45
TO = (
    "Zoë Ünal <zoe@example.com>",
    "Jörg Müller <joerg@example.com>",
    "Ånn <ann@example.com>",
    "Bøb Smith <bob@example.com>",
    "Çelik <celik@example.com>",
)
SUBJECT = "Grüße an alle von uns"
WORKS = (
    Work("short ASCII text, 1 recipient", 50, 2000, "Shop <shop@example.com>", ("ann@example.com",), "Hello", TEXT),
    Work("text + 4 kB HTML, 5 recipients", 45, 400, "Shöp <shop@example.com>", TO, SUBJECT, TEXT, HTML),
    Work("the same + 1 MiB", 11, 20, "Shöp <shop@example.com>", TO, SUBJECT, TEXT, HTML, os.urandom(1 << 20)),
    Work("25 MiB attachment", 11, 1, "Shöp <shop@example.com>", TO, SUBJECT, TEXT, HTML, os.urandom(25 << 20)),
)


def made_new(work: Work, number: int) -> Work:
    """``work`` with texts, a file and recipients that no cache has seen."""
    html = work.html and f"{work.html}<!-- {number} -->"
    to = tuple(each.replace("@", f"{number}@").replace(" ", f"{number % 97} ", 1) for each in work.to)
    file = work.file and work.file[:-8] + number.to_bytes(8)
    return work._replace(text=f"{work.text}{number}", html=html, to=to, file=file)


def smtpkit(work: Work) -> bytes:
    message = Message().from_(work.sender).to(*work.to).subject(work.subject).text(work.text)
    if work.html:
        message = message.html(work.html)
    if work.file:
        message = message.attach(work.file, filename="data.bin")
    return message.as_bytes()


def email_message(work: Work) -> bytes:
    message = EmailMessage(policy=policy.SMTP)
    message["From"], message["To"], message["Subject"] = work.sender, ", ".join(work.to), work.subject
    message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain="example.com")
    message.set_content(work.text)
    if work.html:
        message.add_alternative(work.html, subtype="html")
    if work.file:
        message.add_attachment(work.file, maintype="application", subtype="octet-stream", filename="data.bin")
    return message.as_bytes()


def mime_classes(work: Work) -> bytes:
    text = MIMEText(work.text, "plain", "utf-8")
    root: MIMEText | MIMEMultipart = text
    if work.html:
        root = MIMEMultipart("alternative", None, [text, MIMEText(work.html, "html", "utf-8")])
    if work.file:
        file = MIMEApplication(work.file)
        file.add_header("Content-Disposition", "attachment", filename="data.bin")
        root = MIMEMultipart("mixed", None, [root, file])
    root["From"], root["To"], root["Subject"] = work.sender, ", ".join(work.to), work.subject
    root["Date"], root["Message-ID"] = formatdate(), make_msgid(domain="example.com")
    return root.as_bytes(policy=policy.compat32.clone(linesep="\r\n"))


def django(work: Work) -> bytes:
    mail: Any = import_module("django.core.mail")
    message = mail.EmailMultiAlternatives(work.subject, work.text, work.sender, work.to)
    if work.html:
        message.attach_alternative(work.html, "text/html")
    if work.file:
        message.attach("data.bin", work.file, "application/octet-stream")
    return bytes(message.message().as_bytes(linesep="\r\n"))


def redmail(work: Work) -> bytes:
    library: Any = import_module("redmail")
    message = library.EmailSender("localhost", 25).get_message(
        subject=work.subject,
        sender=work.sender,
        receivers=list(work.to),
        text=work.text,
        html=work.html,
        attachments={"data.bin": work.file} if work.file else None,
        use_jinja=False,
    )
    return bytes(message.as_bytes())


def libraries() -> dict[str, Callable[[Work], bytes]]:
    """Those that are installed here, by name."""
    found: dict[str, Callable[[Work], bytes]] = {
        "smtpkit": smtpkit,
        "EmailMessage": email_message,
        "MIMEText": mime_classes,
    }
    if find_spec("django"):
        conf: Any = import_module("django.conf")
        conf.settings.configure(USE_TZ=True)
        found["Django"] = django
    if find_spec("redmail"):
        found["redmail"] = redmail
    return found


def seconds(build: Callable[[Work], bytes], work: Work, rounds: int) -> float:
    fresh = [made_new(work, next(numbers)) for _ in range(rounds)]
    begin = process_time()
    for each in fresh:
        build(each)
    return (process_time() - begin) / rounds


def mail_merge(rounds: int = 1000) -> tuple[float, float]:
    """Seconds per message from one template, without and with an attachment of 1 MiB."""
    plain = Message().from_("Shop <shop@example.com>").subject(SUBJECT).text(TEXT).html(HTML)
    taken: list[float] = []
    for base in (plain, plain.attach(os.urandom(1 << 20), filename="data.bin")):
        begin = process_time()
        for number in range(rounds):
            for _ in base.to(f"new{number}@example.com").chunks():
                pass
        taken.append((process_time() - begin) / rounds)
    return taken[0], taken[1]


def main(runs: int = 7) -> None:
    """Print each library's speed relative to ``EmailMessage``."""
    builders = libraries()
    print(f"{'object to bytes, times EmailMessage':36}" + "".join(f"{name:>14}" for name in builders) + f"{'goal':>8}")
    for work in WORKS:
        taken: dict[str, list[float]] = {name: [] for name in builders}
        for _ in range(runs):
            for name, build in builders.items():
                rounds = work.rounds if name == "smtpkit" else max(work.rounds // 10, 1)
                taken[name].append(seconds(build, work, rounds))
        base = median(taken["EmailMessage"])
        ratios = "".join(f"{base / median(times):13.1f}x" for times in taken.values())
        print(f"{work.name:36}{ratios}{work.goal:7.0f}x   smtpkit {median(taken['smtpkit']) * 1e6:.1f} µs")
    without, attached = mail_merge()
    print(f"{'mail-merge, + 1 MiB over without':36}{attached / without:13.2f}x   goal: at most 1.5x")


if __name__ == "__main__":
    main()
