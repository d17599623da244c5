"""Finds the command and runs it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Protocol, cast

from smtpkit.errors import SmtpkitError, UsageError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Sequence

__all__ = ["COMMANDS", "main"]

COMMANDS = ("check",)
"""The commands, each a module of this package."""

_DESCRIPTION = """\
Send mail over SMTP, look at it, and try it out without a server.

  SMTP_URL=smtps://me:password@smtp.example.com python -m smtpkit send ann@example.com -s Hello -t "Hi Ann"
"""
_EPILOG = """\
"python -m smtpkit COMMAND --help" says more. Exit codes: 0 it worked, 1 it did not, 2 wrong arguments or configuration;
"send" has more of them.
"""


class Command(Protocol):
    """What a module of a command has; its docstring is the beginning of its help."""

    SUMMARY: str
    """One line for the list of commands."""

    def configure(self, parser: ArgumentParser) -> None:
        """Add its arguments."""
        ...

    def run(self, arguments: Namespace) -> int:
        """Do it, and give the exit code."""
        ...


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that ``argv`` (without the program's name) or else the command line names.

    The exit code; it never raises ``SystemExit``.
    """
    given = sys.argv[1:] if argv is None else list(argv)
    try:
        arguments = _parser(given).parse_args(given)
        code: int = arguments.run(arguments)
    except SmtpkitError as error:
        print(f"smtpkit: {error}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read the output has enough, such as head; nothing more is written when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    return code


def _parser(given: list[str]) -> ArgumentParser:
    """The parser with the command that is meant; with all of them if none is, so that the help has them."""
    from argparse import ArgumentParser, RawDescriptionHelpFormatter
    from importlib import import_module

    parser = ArgumentParser(
        "python -m smtpkit", description=_DESCRIPTION, epilog=_EPILOG, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name in given[:1] if given and given[0] in COMMANDS else COMMANDS:
        command = cast("Command", import_module(f"smtpkit.cli.{name}"))
        own = commands.add_parser(
            name, help=command.SUMMARY, description=command.__doc__, formatter_class=RawDescriptionHelpFormatter
        )
        command.configure(own)
        own.set_defaults(run=command.run)
    return parser


def _version() -> str:
    from importlib.metadata import version

    return f"smtpkit {version('smtpkit')}"
