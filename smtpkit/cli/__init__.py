"""The command line, ``python -m smtpkit``: each command is a module here, loaded when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Sequence

__all__ = ["COMMANDS", "Command", "main"]

COMMANDS = ("check",)
"""The commands, by the names of their modules."""


class Command(Protocol):
    """What the module of a command has."""

    SUMMARY: str
    """One line of help."""

    def configure(self, parser: ArgumentParser) -> None:
        """Say what arguments it takes."""
        ...

    def run(self, arguments: Namespace) -> int:
        """Do it; the exit code."""
        ...


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that ``argv`` names (``sys.argv`` if not given); the exit code, 2 where it cannot be run."""
    import sys
    from argparse import ArgumentParser

    from smtpkit.errors import SmtpkitError

    given = sys.argv[1:] if argv is None else argv
    parser = ArgumentParser("python -m smtpkit", description="Send mail over SMTP, and see what stands in its way.")
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)
    # Only one is run, and for the help of all each is asked.
    for name in tuple(name for name in COMMANDS if name in given[:1]) or COMMANDS:
        command = _loaded(name)
        command.configure(commands.add_parser(name, help=command.SUMMARY, description=command.SUMMARY))
    arguments = parser.parse_args(given)
    try:
        return _loaded(arguments.command).run(arguments)
    except SmtpkitError as error:
        print(error, file=sys.stderr)
        return 2


def _loaded(name: str) -> Command:
    from importlib import import_module

    return cast("Command", import_module(f"smtpkit.cli.{name}"))
