"""Send one mail.

  python -m smtpkit send ann@example.com --from me@example.com -s Hello -t "Hi Ann"
  python -m smtpkit send ann@example.com -s Report -a report.pdf < text.txt
  python -m smtpkit send ann@example.com -s Hello -t Hi --url console:

Where it goes is in the environment: SMTP_URL, or SMTP_HOST, SMTP_PORT, SMTP_USERNAME, SMTP_PASSWORD and SMTP_SECURITY;
SMTP_FROM is the From of mails that give none. A --url is seen by everybody who can list processes: keep passwords out.

  smtps://me:password@smtp.example.com   TLS from the first byte (465); smtp:// is STARTTLS, required (587)
  gmail://me%40gmail.com:password@       a provider ("python -m smtpkit providers" has them)
  file:./outbox   console:               without a server

Exit codes:
  0   every recipient accepted it
  1   nobody did, and trying again does not help
  2   wrong arguments or configuration; nothing was sent
  3   some accepted it and others did not
  4   uncertain: it may have arrived; do not just send it again
  75  nobody accepted it; trying again later may help
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from smtpkit.cli.output import plain, print_json
from smtpkit.errors import InvalidConfiguration, SmtpkitError, UnreadableAttachment, UsageError
from smtpkit.mailer import Mailer
from smtpkit.message import Message

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from smtpkit.receipt import Receipt

SUMMARY = "send one mail"

_TEMPORARY = 75
_COLLECTED = {"cc": "add a recipient in Cc", "bcc": "add a recipient whom the others do not see"}


def configure(parser: ArgumentParser) -> None:
    """Add the arguments."""
    add = parser.add_argument
    add("to", nargs="+", metavar="TO", help='a recipient, such as ann@example.com or "Ann <ann@example.com>"')
    add("--from", dest="from_", metavar="ADDRESS", help="who it is from; without it, SMTP_FROM or the log-in's address")
    for name, text in _COLLECTED.items():
        add(f"--{name}", action="append", default=[], metavar="ADDRESS", help=text)
    add("--reply-to", metavar="ADDRESS", help="where answers go")
    add("-s", "--subject", default="", help="the subject")
    add("-t", "--text", help="the text; without any text or HTML it is read from standard input")
    add("--text-file", metavar="FILE", help="a file with the text in UTF-8; - is standard input")
    add("--html-file", metavar="FILE", help="a file with the HTML in UTF-8; - is standard input")
    add("-a", "--attach", action="append", default=[], metavar="FILE", help="attach a file; may be given again")
    add("--header", action="append", default=[], metavar="'NAME: VALUE'", help="add a header field; may be given again")
    add("--url", help="where to send it, instead of what the environment says")
    add("--json", action="store_true", help="print the receipt as one line of JSON")


def run(arguments: Namespace) -> int:
    """Send the mail and print its receipt."""
    with Mailer.from_env() if arguments.url is None else Mailer.from_url(arguments.url) as mailer:
        message = _message(arguments)
        try:
            receipt = mailer.send(message)
        except UsageError:
            raise
        except SmtpkitError as error:
            if error.receipt is None:
                raise
            receipt = error.receipt
    code = _exit_code(receipt)
    if arguments.json:
        print_json(_told(receipt))
        return code
    print(receipt)
    if receipt.error is not None:
        print(f"smtpkit: {receipt.error}", file=sys.stderr)
    return code


def _message(arguments: Namespace) -> Message:
    message = Message().to(*arguments.to).subject(arguments.subject)
    if arguments.from_:
        message = message.from_(arguments.from_)
    if arguments.cc:
        message = message.cc(*arguments.cc)
    if arguments.bcc:
        message = message.bcc(*arguments.bcc)
    if arguments.reply_to:
        message = message.reply_to(arguments.reply_to)
    for field in arguments.header:
        name, colon, value = field.partition(":")
        if not colon:
            raise InvalidConfiguration(f"--header {field!r} has no colon", hint="Write --header 'X-Campaign: autumn'.")
        message = message.header(name.strip(), value.strip())
    for path in arguments.attach:
        message = message.attach(path)
    return _with_bodies(message, arguments)


def _with_bodies(message: Message, arguments: Namespace) -> Message:
    if arguments.text is not None and arguments.text_file is not None:
        raise InvalidConfiguration("both --text and --text-file are given", hint="Leave one of them out.")
    if arguments.text_file == arguments.html_file == "-":
        raise InvalidConfiguration("text and HTML cannot both come from standard input", hint="Give one as a file.")
    if arguments.html_file is not None:
        message = message.html(_read(arguments.html_file))
    if arguments.text is not None:
        return message.text(arguments.text)
    if arguments.text_file is not None:
        return message.text(_read(arguments.text_file))
    if arguments.html_file is not None:
        return message
    if sys.stdin.isatty():
        raise InvalidConfiguration("there is no text", hint='Give it by -t "Hi Ann", --text-file, or < text.txt.')
    return message.text(_read("-"))


def _read(path: str) -> str:
    if path == "-":
        return sys.stdin.read()
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except UnicodeDecodeError as error:
        raise UnreadableAttachment(f"{path} is not UTF-8: {error.reason} at octet {error.start}") from None
    except OSError as error:
        raise UnreadableAttachment(f"cannot read {path}: {error.strerror or error}") from None


def _exit_code(receipt: Receipt) -> int:
    if receipt.ok:
        return 0
    if receipt.uncertain:
        return 4
    if receipt.accepted:
        return 3
    return _TEMPORARY if receipt.error is not None and receipt.error.temporary else 1


def _told(receipt: Receipt) -> dict[str, object]:
    error = receipt.error
    return {
        "ok": receipt.ok,
        "message_id": receipt.message_id,
        "attempts": receipt.attempts,
        "outcomes": plain(receipt.outcomes),
        "notes": plain(receipt.notes),
        "error": error
        and {
            "kind": type(error).__name__,
            "message": error.message,
            "stage": error.stage,
            "temporary": error.temporary,
            "safe_to_retry": error.safe_to_retry,
            "hint": error.hint,
        },
    }
