"""The sink's process. It says its port on a line; each line it hears is answered by a line of JSON; it ends at EOF."""

from __future__ import annotations

import argparse
import json
import signal
import socket
import ssl
import sys
import tempfile
import threading
from pathlib import Path

from benchmarks.sink import Sink
from benchmarks.sink.connection import Connection
from benchmarks.sink.session import Offers


def main() -> None:
    """Serve, until standard input closes or the time is over."""
    given = arguments()
    # Its default is to end the process, whatever that is doing.
    signal.alarm(given.lifetime)
    context = None
    offers = Offers(tuple(given.offers), starttls=given.security == "starttls", auth=given.security != "plaintext")
    if given.security != "plaintext":
        context = server_context(given.ca_file)
    listener = socket.create_server((Sink.host, 0), backlog=64)
    connections: list[Connection] = []

    def accept() -> None:
        while True:
            connection = Connection(listener.accept()[0], offers, context, given.delay)
            connections.append(connection)
            threading.Thread(target=connection.serve, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    for _ in sys.stdin:
        print(json.dumps([each.connected()._asdict() for each in connections]), flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--security", choices=("plaintext", "starttls", "tls"), default="plaintext")
    parser.add_argument("--ca-file", type=Path)
    parser.add_argument("--delay", type=float, default=0)
    parser.add_argument("--lifetime", type=int, default=120)
    parser.add_argument("--offers", nargs="*", default=[])
    return parser.parse_args()


def server_context(ca_file: Path) -> ssl.SSLContext:
    """TLS with a certificate made now, whose CA is written to ``ca_file``."""
    import trustme

    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(ca_file))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    with ca.issue_cert(Sink.host).private_key_and_cert_chain_pem.tempfile(tempfile.gettempdir()) as pem:
        context.load_cert_chain(pem)
    return context


if __name__ == "__main__":
    main()
