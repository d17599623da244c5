"""Postfix on loopback, in a private directory: as near to the real thing as a test gets.

Needs root, since Postfix gives its parts to users of their own.
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

from servers.daemon import PATH, SECONDS, Delivered, Maildir, trace_field
from servers.mta import Mta

if TYPE_CHECKING:
    from servers.certificates import Certificates

_MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {directory}/queue
data_directory = {directory}/data
maillog_file = {directory}/log
maillog_file_prefixes = {directory}
myhostname = mail.example.com
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
biff = no
smtputf8_enable = yes
smtpd_peername_lookup = no
smtpd_error_sleep_time = 0
smtpd_forbid_unauth_pipelining = yes

smtpd_sender_restrictions = check_sender_access inline:{{ {{ {refused_sender} = 550 5.7.1 Not from you }} }}

# Nothing leaves this machine: mail for any other domain is refused.
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access inline:{{ {{ {refused} = 550 5.1.1 No such mailbox }} }},
    permit_sasl_authenticated, reject

# The content is delivered as it came.
local_header_rewrite_clients =
message_drop_headers =
message_size_limit = 104857600

virtual_mailbox_domains = example.com
virtual_mailbox_base = {directory}
virtual_mailbox_maps = static:mail/
virtual_mailbox_limit = 0
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}

smtpd_tls_chain_files = {pem_file}
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_authenticated_header = yes
smtpd_sasl_local_domain = example.com
cyrus_sasl_config_path = {directory}/etc/sasl

{settings}
"""

_MASTER_CF = """\
127.0.0.1:{submission} inet n - n - - smtpd -o smtpd_tls_security_level=encrypt
127.0.0.1:{submissions} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
127.0.0.1:{relay} inet n - n - - smtpd -o smtpd_tls_security_level=may
    -o {{ smtpd_recipient_restrictions = permit_mynetworks, reject }}
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""

_SMTPD_CONF = """\
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: {directory}/sasldb2
mech_list: PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256
"""

_QUEUES = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace")

_MESSAGE_ID = re.compile(r"/cleanup\[\d+\]: \w+: message-id=(<.*>)$", re.MULTILINE)

_TRACE = re.compile(rb"(?:(?:Return-Path|X-Original-To|Delivered-To): .*\n)*Received: .*\n(?:[ \t].*\n)*")


class Installation(NamedTuple):
    """The programs of Postfix and Cyrus SASL on this machine."""

    master: str
    postqueue: str
    saslpasswd2: str


def find_postfix() -> Installation | None:
    """The Postfix of this machine, or None if it lacks one or we may not start it."""
    postconf, postqueue, saslpasswd2 = (shutil.which(n, path=PATH) for n in ("postconf", "postqueue", "saslpasswd2"))
    if os.geteuid() != 0 or postconf is None or postqueue is None or saslpasswd2 is None:
        return None
    daemons = subprocess.run([postconf, "-dh", "daemon_directory"], capture_output=True, text=True, check=True)
    master = Path(daemons.stdout.strip()) / "master"
    return Installation(str(master), postqueue, saslpasswd2) if master.exists() else None


class Postfix(Mta):
    """A Postfix that runs within ``with`` and keeps the mail for all of example.com.

    ``submission_port`` wants STARTTLS and a log-in, ``submissions_port`` TLS from the first byte
    and a log-in, and ``relay_port`` neither (it offers STARTTLS). All refuse recipient
    ``refused`` (but the relay), recipients outside of example.com, and sender ``refused_sender``.
    """

    name = "Postfix"
    username = "ann@example.com"
    password = "correct horse battery"

    def __init__(self, installation: Installation, certificates: Certificates, settings: str = "") -> None:
        super().__init__(certificates, settings, ports=3)
        self.installation = installation
        self._mailbox = Maildir()
        self.submission_port, self.relay_port, self.submissions_port = self.ports

    def copies(self, marker: bytes) -> list[Delivered]:
        return [_split(text) for text in self._mailbox.holding(self.directory / "mail", marker)]

    def message_ids(self) -> list[str]:
        return _MESSAGE_ID.findall(self.log())

    def _queued(self) -> int:
        # A file that is not complete yet, or never will be, is not executable.
        files = (path for name in ("incoming", "active", "deferred") for path in self._queue(name).rglob("*"))
        return sum(path.is_file() and os.access(path, os.X_OK) for path in files)

    def _queue(self, name: str) -> Path:
        return self.directory / "queue" / name

    def _run_queue(self) -> None:
        command = [self.installation.postqueue, "-c", str(self.directory / "etc"), "-f"]
        subprocess.run(command, check=True, timeout=SECONDS)

    def _command(self) -> list[str]:
        return [self.installation.master, "-c", str(self.directory / "etc"), "-s"]

    def _greeting_ports(self) -> list[int]:
        return [self.submission_port, self.relay_port]

    def _lay_out(self) -> None:
        postfix, postdrop, nobody = pwd.getpwnam("postfix"), grp.getgrnam("postdrop").gr_gid, pwd.getpwnam("nobody")
        directory = self.directory
        for name, uid, gid, mode in (
            ("etc", 0, 0, 0o755),
            ("etc/sasl", 0, 0, 0o755),
            ("mail", nobody.pw_uid, nobody.pw_gid, 0o700),
            ("data", postfix.pw_uid, postfix.pw_gid, 0o700),
            ("queue", 0, 0, 0o755),
            ("queue/pid", 0, 0, 0o755),
            ("queue/public", postfix.pw_uid, postdrop, 0o710),
            ("queue/maildrop", postfix.pw_uid, postdrop, 0o730),
            *((f"queue/{name}", postfix.pw_uid, 0, 0o700) for name in _QUEUES),
        ):
            path = directory / name
            path.mkdir()
            os.chown(path, uid, gid)
            path.chmod(mode)
        super()._lay_out()
        self._configure()
        self._add_user(postfix.pw_uid)

    def _configure(self) -> None:
        etc, nobody = self.directory / "etc", pwd.getpwnam("nobody")
        filled = {"directory": self.directory, "pem_file": self.pem_file, "settings": self.settings}
        refused = {"refused": self.refused, "refused_sender": self.refused_sender}
        owner = {"uid": nobody.pw_uid, "gid": nobody.pw_gid}
        ports = {"submission": self.submission_port, "submissions": self.submissions_port, "relay": self.relay_port}
        (etc / "main.cf").write_text(_MAIN_CF.format(**filled, **refused, **owner))
        # A file that changed a moment ago is read again and again, until it is old enough.
        os.utime(etc / "main.cf", (0, 0))
        (etc / "master.cf").write_text(_MASTER_CF.format(**ports))
        (etc / "sasl/smtpd.conf").write_text(_SMTPD_CONF.format(**filled))

    def _add_user(self, uid: int) -> None:
        name, _, realm = self.username.partition("@")
        database = self.directory / "sasldb2"
        command = [self.installation.saslpasswd2, "-p", "-c", "-f", str(database), "-u", realm, name]
        subprocess.run(command, input=self.password.encode(), check=True, timeout=SECONDS)
        os.chown(database, uid, 0)


def _split(text: bytes) -> Delivered:
    match = _TRACE.match(text)
    assert match is not None, text
    trace, content = match[0], text[match.end() :].replace(b"\n", b"\r\n")
    return Delivered(trace, content, trace_field(trace, "Return-Path").strip("<>"), trace_field(trace, "Delivered-To"))
