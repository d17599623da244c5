"""Look at the server, the log-in, the limits and the DNS of an account, and send nothing.

  python -m smtpkit check me@gmail.com
  python -m smtpkit check amazon_ses AKIAIOSFODNN7EXAMPLE --region eu-west-1 --sender me@example.com
  python -m smtpkit check smtp://me%40example.com@smtp.example.com --dkim-selector mail
  SMTP_URL=... python -m smtpkit check --json

The password comes from SMTP_PASSWORD, from the variable that --password-env names, or from a prompt; without an
account, all comes from SMTP_URL, or SMTP_HOST and its like.

Exit codes:
  0   mail goes out; there may be warnings
  1   it does not
  2   wrong arguments or configuration; nothing was looked at
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from smtpkit.cli.providers import known_provider
from smtpkit.errors import InvalidConfiguration
from smtpkit.mailer import Mailer
from smtpkit.mailer.configuration import LOCAL
from smtpkit.secret import Secret

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from typing import Any

__all__ = ["SUMMARY", "configure", "run"]

SUMMARY = "look at server, log-in, limits and DNS, and send nothing"

_PASSWORD = "SMTP_PASSWORD"  # noqa: S105 - the name of a variable


def configure(parser: ArgumentParser) -> None:
    """Say what arguments it takes. A password is none: others could read it in the list of processes."""
    parser.add_argument("account", nargs="?", help="a URL, an address, or the name of a provider")
    parser.add_argument("username", nargs="?", help="the user name at the provider, mostly an address")
    parser.add_argument("--region", help="of a provider that has several")
    parser.add_argument("--domain", help="your own domain, for a host such as mail.{domain}")
    parser.add_argument("--password-env", metavar="NAME", default=_PASSWORD, help="where the password is")
    parser.add_argument("--token-env", metavar="NAME", help="where an OAuth 2 access token is, instead of a password")
    parser.add_argument("--sender", help="the From; by default the address that logs in")
    parser.add_argument("--recipient", help="whom to ask the server about; by default the sender")
    parser.add_argument("--dkim-selector", metavar="NAME", help="the s= of DKIM-Signature in a mail that has arrived")
    parser.add_argument("--timeout", type=float, default=30, metavar="SECONDS", help="for all of it; %(default)s")
    parser.add_argument("--json", action="store_true", help="print the report for programs")


def run(arguments: Namespace) -> int:
    """Print the report; its exit code."""
    with _mailer(arguments) as mailer:
        report = mailer.check(
            sender=arguments.sender,
            recipient=arguments.recipient,
            dkim_selector=arguments.dkim_selector,
            timeout=arguments.timeout,
        )
    print(report.as_json() if arguments.json else report)
    return report.exit_code


def _mailer(arguments: Namespace) -> Mailer:
    account: str | None = arguments.account
    if account is None:
        return Mailer.from_env()
    if "://" in account or account.partition(":")[0].lower() in LOCAL:
        return Mailer.from_url(_with_password(account, arguments))
    # Found first: nobody is asked for a password in vain.
    provider = known_provider(account)
    username: str | None = arguments.username or (account if "@" in account else None)
    secrets = _secrets(username or account, arguments) if username or provider.needs_login else {}
    return Mailer.for_provider(provider.name, username, region=arguments.region, domain=arguments.domain, **secrets)


def _secrets(username: str, arguments: Namespace) -> dict[str, Any]:
    if arguments.token_env:
        return {"token": _variable(arguments.token_env).reveal()}
    return {"password": _password(username, arguments).reveal()}


def _password(username: str, arguments: Namespace) -> Secret:
    name: str = arguments.password_env
    if name != _PASSWORD or os.environ.get(name) or not sys.stdin.isatty():
        return _variable(name)
    from getpass import getpass

    return Secret(getpass(f"Password of {username}: "))


def _variable(name: str) -> Secret:
    if found := os.environ.get(name):
        return Secret(found)
    raise InvalidConfiguration(
        f"the variable {name} is not set", hint="Set it to the password or token, or run this on a terminal."
    )


def _with_password(url: str, arguments: Namespace) -> str:
    """``url``, with the password where it has a user name and none."""
    from urllib.parse import quote, unquote

    scheme, _, rest = url.partition("://")
    login, at, host = rest.partition("@")
    # Of those in failover(...) each has its own.
    if "(" in scheme or not at or not login or ":" in login:
        return url
    password = _password(unquote(login), arguments)
    return f"{scheme}://{login}:{quote(password.reveal(), safe='')}@{host}"
