"""smtp-server, the npm package of nodemailer's authors, on loopback: it pipelines, but has no CHUNKING."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from servers.daemon import Daemon, Delivered

if TYPE_CHECKING:
    from servers.certificates import Certificates

_PROGRAM = Path(__file__).parent / "node/serve.js"

_MESSAGE_ID = re.compile(rb"^Message-ID: (.*)\r$", re.MULTILINE)


class Installation(NamedTuple):
    """A Node, and the program that it runs."""

    node: str
    program: str


def find_smtp_server() -> Installation | None:
    """The smtp-server of this checkout, or None if it is not installed or there is no Node."""
    node = shutil.which("node")
    if node is None or not (_PROGRAM.parent / "node_modules/smtp-server").exists():
        return None
    return Installation(node, str(_PROGRAM))


class _Accepted(NamedTuple):
    sender: str
    recipients: list[str]
    content: bytes


class SmtpServer(Daemon):
    """An smtp-server that runs within ``with`` and keeps all mail.

    It wants no log-in, and refuses recipients that begin with ``nobody`` and a sender ``refused_sender``.
    """

    name = "smtp-server"

    def __init__(self, installation: Installation, certificates: Certificates) -> None:
        super().__init__(certificates)
        self.installation = installation
        self._read = 0
        """Octets of its output that were read."""
        self._accepted: list[_Accepted] = []

    def copies(self, marker: bytes) -> list[Delivered]:
        return [
            Delivered(b"", mail.content, mail.sender, recipient)
            for mail in self._taken()
            if marker in mail.content
            for recipient in mail.recipients
        ]

    def message_ids(self) -> list[str]:
        found = (_MESSAGE_ID.search(mail.content) for mail in self._taken())
        return [match[1].decode() for match in found if match is not None]

    def _taken(self) -> list[_Accepted]:
        with self._output.open("rb") as output:
            output.seek(self._read)
            *lines, unfinished = output.read().split(b"\n")
            self._read = output.tell() - len(unfinished)
        for line in lines:
            mail = json.loads(line)
            self._accepted.append(_Accepted(mail["sender"], mail["recipients"], base64.b64decode(mail["content"])))
        return self._accepted

    @property
    def _output(self) -> Path:
        return self.directory / "output"

    def _command(self) -> list[str]:
        return [*self.installation, str(self.port), str(self.pem_file)]

    def _start(self) -> subprocess.Popen[bytes]:
        with self._output.open("wb") as output, self.log_file.open("wb") as log:
            return subprocess.Popen(
                self._command(), stdin=subprocess.PIPE, stdout=output, stderr=log, start_new_session=True
            )

    def _stop(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        process.stdin.close()
