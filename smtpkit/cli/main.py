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

COMMANDS = ("send", "check", "providers", "preview", "inbox")
"""The commands, each a module of this package."""

_DESCRIPTION = """\
Send mail over SMTP, look at it, and try it out without a server.

  SMTP_URL=smtps://me:password@smtp.example.com python -m smtpkit send ann@example.com -s Hello -t "Hi Ann"
"""
_EPILOG = """\
"{} COMMAND --help" says more. Exit codes: 0 it worked, 1 it did not, 2 wrong arguments or configuration;
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
        arguments = _parsed(given)
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


def _parsed(given: list[str]) -> Namespace:
    """What is given, with the ``run`` of its command. Options and the rest may be in any order."""
    if not given or given[0] not in COMMANDS:
        # Help, the version, or what is wrong.
        return _parser().parse_args(given[:1])
    return _parser_of(given[0]).parse_intermixed_args(given[1:])


def _parser() -> ArgumentParser:
    """The parser of what stands before a command."""
    from argparse import ArgumentParser, RawDescriptionHelpFormatter

    program = _program()
    parser = ArgumentParser(
        program, description=_DESCRIPTION, epilog=_EPILOG.format(program), formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name in COMMANDS:
        commands.add_parser(name, help=_command(name).SUMMARY)
    return parser


def _parser_of(name: str) -> ArgumentParser:
    """The parser of what stands behind the command ``name``."""
    from argparse import ArgumentParser, RawDescriptionHelpFormatter

    command = _command(name)
    parser = ArgumentParser(
        f"{_program()} {name}", description=command.__doc__, formatter_class=RawDescriptionHelpFormatter
    )
    command.configure(parser)
    parser.set_defaults(run=command.run)
    return parser


def _command(name: str) -> Command:
    from importlib import import_module

    return cast("Command", import_module(f"smtpkit.cli.{name}"))


def _program() -> str:
    """How it was called: by its name, or as a module."""
    name = os.path.basename(sys.argv[0]).removesuffix(".exe")
    return name if name == "smtpkit" else "python -m smtpkit"


def _version() -> str:
    from importlib.metadata import version

    return f"smtpkit {version('smtpkit')}"
