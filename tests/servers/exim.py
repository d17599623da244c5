"""Exim on loopback, in a private directory.

Debian's Exim and Postfix exclude each other, so ``.ci/run`` unpacks Exim into ``.servers/exim`` of the checkout.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from servers.daemon import SECONDS, Delivered, Maildir, trace_field
from servers.mta import Mta

if TYPE_CHECKING:
    from servers.certificates import Certificates

_BINARY = Path(__file__).parents[2] / ".servers/exim/usr/sbin/exim4"

_USER = "Debian-exim"
"""Debian's Exim does not run on a machine without this user."""

_CONFIGURATION = """\
exim_path = {binary}
exim_user = {user}
exim_group = {group}
deliver_drop_privilege = true
keep_environment =
spool_directory = {directory}/spool
log_file_path = {directory}/log/%s
pid_file_path = {directory}/spool/pid
log_selector = +smtp_protocol_error +smtp_syntax_error
primary_hostname = mail.example.com
local_interfaces = <; [127.0.0.1]:{port}
daemon_smtp_ports = {port}

# Mail is delivered at once, in as many connections and messages as there are.
smtp_accept_max = 100
smtp_accept_max_per_connection = 0
smtp_accept_queue_per_connection = 0
{settings}
host_lookup =
helo_lookup_domains =
rfc1413_hosts =
pipelining_advertise_hosts = *
chunking_advertise_hosts = *
smtputf8_advertise_hosts = *
message_size_limit = 100M
tls_advertise_hosts = *
tls_certificate = {pem_file}
tls_privatekey = {pem_file}

acl_smtp_mail = check_sender
acl_smtp_rcpt = check_recipient

begin acl
check_sender:
  deny senders = {refused_sender}
       message = 550 5.7.1 Not from you
  accept
check_recipient:
  deny local_parts = ^nobody
       message = 550 5.1.1 No such mailbox
  deny domains = !example.com
       message = 550 5.7.1 Relaying denied
  accept

begin routers
mailbox:
  driver = accept
  transport = maildir

begin transports
maildir:
  driver = appendfile
  directory = {directory}/mail
  create_directory
  maildir_format
  return_path_add
  envelope_to_add
"""

_MESSAGE_ID = re.compile(r" <= .* id=(\S+)")

_TRACE = re.compile(rb"Return-path: .*\nEnvelope-to: .*\nReceived: .*\n(?:[ \t].*\n)*")


class Installation(NamedTuple):
    """The Exim of this checkout, and whom it runs as."""

    binary: str
    user: str
    group: str


def find_exim() -> Installation | None:
    """The Exim that SMTPKIT_EXIM names or that is in the checkout; None if there is none that runs here."""
    binary = os.environ.get("SMTPKIT_EXIM", str(_BINARY))
    version = [binary, "-C", os.devnull, "-bV"]
    if shutil.which(binary) is None or subprocess.run(version, capture_output=True, check=False).returncode != 0:
        return None
    user = pwd.getpwnam(_USER) if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    return Installation(binary, user.pw_name, grp.getgrgid(user.pw_gid).gr_name)


class Exim(Mta):
    """An Exim that runs within ``with`` and keeps the mail for all of example.com.

    It wants no log-in, and refuses recipients that begin with ``nobody``, those outside of example.com,
    and a sender ``refused_sender``.
    """

    name = "Exim"

    def __init__(self, installation: Installation, certificates: Certificates, settings: str = "") -> None:
        super().__init__(certificates, settings)
        self.installation = installation
        self._mailbox = Maildir()

    @property
    def log_file(self) -> Path:
        return self.directory / "log/main"

    def copies(self, marker: bytes) -> list[Delivered]:
        return [_split(text) for text in self._mailbox.holding(self.directory / "mail", marker)]

    def message_ids(self) -> list[str]:
        return [f"<{found}>" for found in _MESSAGE_ID.findall(self.log())]

    def _queued(self) -> int:
        return len(list((self.directory / "spool/input").glob("*-H")))

    def _run_queue(self) -> None:
        subprocess.run([self.installation.binary, "-C", str(self._configuration), "-qff"], check=True, timeout=SECONDS)

    def _lay_out(self) -> None:
        directory, (_, user, group) = self.directory, self.installation
        for name in ("log", "spool", "mail", "mail/tmp", "mail/cur", "mail/new"):
            (directory / name).mkdir()
        super()._lay_out()
        self._configure()
        for path in directory.rglob("*"):
            if path != self._configuration:
                shutil.chown(path, user, group)

    def _configure(self) -> None:
        filled = {"directory": self.directory, "port": self.port, "pem_file": self.pem_file, "settings": self.settings}
        self._configuration.write_text(
            _CONFIGURATION.format(**self.installation._asdict(), **filled, refused_sender=self.refused_sender)
        )

    @property
    def _configuration(self) -> Path:
        return self.directory / "exim.conf"

    def _command(self) -> list[str]:
        return [self.installation.binary, "-C", str(self._configuration), "-bdf"]


def _split(text: bytes) -> Delivered:
    match = _TRACE.match(text)
    assert match is not None, text
    trace, content = match[0], text[match.end() :].replace(b"\n", b"\r\n")
    return Delivered(trace, content, trace_field(trace, "Return-path").strip("<>"), trace_field(trace, "Envelope-to"))
