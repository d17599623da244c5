"""Show saved mails in the browser: header, text, HTML, files, structure and source.

  python -m smtpkit preview saved.eml
  python -m smtpkit preview outbox/
  python -m smtpkit preview saved.eml --no-open --output saved.html

Several mails, or a directory with .eml files (such as file:./outbox writes), are shown as an inbox. The page is one
file; nothing of the mail runs in it, and nothing is loaded.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from smtpkit.cli.output import print_json
from smtpkit.errors import InvalidConfiguration, InvalidMessage, SmtpkitError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

SUMMARY = "show a saved mail in the browser"


def configure(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="an .eml file, or a directory of them")
    parser.add_argument("-o", "--output", metavar="PAGE", help="where to write the page; without it, a temporary file")
    parser.add_argument("--no-open", action="store_true", help="write the page and do not open it")
    parser.add_argument("--json", action="store_true", help="print the path of the page as JSON")


def run(arguments: Namespace) -> int:
    """Write the page, and open it."""
    from smtpkit.preview import show

    paths = [path for given in arguments.files for path in _mails(given)]
    if not paths:
        raise InvalidMessage("no .eml file there", hint="Give the path of one, or of a directory that has some.")
    shown = paths[0] if len(paths) == 1 else paths
    try:
        page = show(shown, open=not arguments.no_open, path=arguments.output)
    except SmtpkitError:
        # One about a mail is an OSError, too.
        raise
    except OSError as error:
        raise InvalidConfiguration(f"cannot write the page {error.filename}: {error.strerror}") from error
    if arguments.json:
        print_json({"page": str(page), "mails": len(paths)})
    else:
        print(page)
    return 0


def _mails(path: str) -> list[str]:
    if not os.path.isdir(path):
        return [path]
    return [os.path.join(path, name) for name in sorted(os.listdir(path)) if name.endswith(".eml") and name[0] != "."]
