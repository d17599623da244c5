"""Run an SMTP server that takes every mail and delivers none, and show the mails on a page that is always current.

  python -m smtpkit inbox
  SMTP_URL=smtp+plaintext://127.0.0.1:1025 python -m smtpkit send ann@example.com --from me@example.com -t Hi

For development: both servers listen on this machine alone (127.0.0.1), any log-in is good, and mails are kept in
memory, the last ones only. It needs aiosmtpd: pip install "smtpkit[inbox]". Ctrl-C ends it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from smtpkit.cli.output import print_json

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from smtpkit.inbox.mails import Kept

SUMMARY = "catch all mail on this machine, and show it on a live page"


def configure(parser: ArgumentParser) -> None:
    """Add the arguments."""
    add = parser.add_argument
    add("--smtp-port", type=_port, default=1025, metavar="PORT", help="where mail is taken (1025; 0: any free one)")
    add("--http-port", type=_port, default=8025, metavar="PORT", help="where the page is (8025; 0: any free one)")
    add("--keep", type=int, default=200, metavar="N", help="how many mails are kept (200); the oldest go first")
    add("--open", action="store_true", help="open the page in the browser")
    add("--json", action="store_true", help="print one line of JSON about the servers, and one for each mail")


def _port(text: str) -> int:
    from argparse import ArgumentTypeError

    if not text.isdecimal() or int(text) > 65535:
        raise ArgumentTypeError(f"{text!r} is no port: a number from 0 to 65535 is needed")
    return int(text)


def run(arguments: Namespace) -> int:
    """Serve until Ctrl-C."""
    from smtpkit.inbox.mails import Mails
    from smtpkit.inbox.serve import serving

    mails = Mails(arguments.keep, _print_json if arguments.json else _print)
    try:
        with serving(mails, arguments.smtp_port, arguments.http_port) as inbox:
            if arguments.json:
                print_json({"smtp": inbox.smtp_url, "page": inbox.url})
            else:
                print(f"Send to   SMTP_URL={inbox.smtp_url}\nInbox at  {inbox.url}\nCtrl-C ends it.", flush=True)
            if arguments.open:
                import webbrowser

                webbrowser.open(inbox.url)
            inbox.serve()
    except KeyboardInterrupt:
        return 0
    except OSError as error:
        print(f"smtpkit: cannot listen: {error.strerror or error}. Is an inbox running already?", file=sys.stderr)
        return 1
    return 0


def _print(mail: Kept) -> None:
    letter = mail.letter
    to = ", ".join(letter.exhibit.recipients)
    line = f"{mail.number:>4}  {letter.reading.field('From')} to {to}: {letter.subject}"
    print("".join([sign if sign.isprintable() else " " for sign in line]), flush=True)


def _print_json(mail: Kept) -> None:
    exhibit = mail.letter.exhibit
    print_json(
        {
            "number": mail.number,
            "reverse_path": exhibit.reverse_path,
            "recipients": exhibit.recipients,
            "subject": mail.letter.subject,
            "size": len(exhibit.data),
        }
    )
