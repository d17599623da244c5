"""From the first packet to a log-in: servers that refuse, are silent, are something else, or are not to be trusted."""

from __future__ import annotations

import ssl
import warnings
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from scripted import ALL, SOCKETS, Player, Way, each_way, play, steps
from smtpkit import errors
from smtpkit.envelope import Envelope
from smtpkit.mail import Mail
from smtpkit.message import Message
from smtpkit.runtime.blocking import run
from smtpkit.runtime.simulated import SimulatedRuntime
from smtpkit.smtp.timeouts import Timeouts
from smtpkit.tls import Tls
from smtpkit.transports.smtp import PlaintextSmtpTransport

if TYPE_CHECKING:
    from servers.certificates import Certificates, Name
    from smtpkit.receipt import Receipt
    from smtpkit.runtime.base import Runtime
    from smtpkit.smtp.server import Security
    from smtpkit.transports.smtp import SmtpTransport

PLAIN = "AUTH PLAIN AGFubgBwYTU1d29yZA=="
MAIL = """
C: MAIL FROM:<a@a.test>
S: 250 ok
C: RCPT TO:<b@b.test>
S: 250 ok
C: DATA
S: 354 go
content
S: 250 ok
"""
HELLO = "S: 220 mail.test\nC: EHLO me.test\n"
OFFER = f"{HELLO}S: 250-mail.test\nS: 250 STARTTLS\nC: STARTTLS\n"
MESSAGE = Mail(Message().from_("a@a.test").text("Hi"), Envelope("a@a.test", ["b@b.test"]))


def send(transcript: str, way: Way, **options: Any) -> Receipt:
    async def one(transport: SmtpTransport, runtime: Runtime) -> Receipt:
        return await transport.send(MESSAGE, runtime)

    return play(transcript, way, one, **options)


class Case(NamedTuple):
    """A transcript, and the error it ends with."""

    name: str
    transcript: str
    error: type[errors.SmtpkitError]
    stage: str
    code: int | None = None
    temporary: bool = False
    text: str = ""
    security: Security = "starttls"


CASES = [
    Case("554", "S: 554 5.7.1 go away", errors.ServiceUnavailable, "greeting", 554),
    Case("421", "S: 421 4.3.2 busy", errors.ServiceUnavailable, "greeting", 421, True),
    Case("450", "S: 450 4.3.2 busy", errors.ServiceUnavailable, "greeting", 450, True),
    Case("250", "S: 250 hello?", errors.ServiceUnavailable, "greeting", 250),
    Case("garbage", "S: 1234567890", errors.ProtocolError, "greeting", text="not a reply"),
    Case("HTTP", "S: HTTP/1.1 400 Bad Request", errors.ProtocolError, "greeting", text="HTTP"),
    Case("SSH", "S: SSH-2.0-OpenSSH_9.6", errors.ProtocolError, "greeting", text="SSH"),
    Case("IMAP", "S: * OK IMAP4rev1", errors.ProtocolError, "greeting", text="IMAP"),
    Case("a TLS alert", r"S! \x15\x03\x01\x00\x02\x02\x46", errors.ProtocolError, "greeting", text="SmtpSslTransport"),
    Case("EOF at once", "close", errors.ConnectionLost, "greeting", None, True, "this client's address"),
    Case("reset at once", "reset", errors.ConnectionLost, "greeting", None, True),
    Case("silence", "stall", errors.TimedOut, "greeting", None, True, "465"),
    Case("EOF within the greeting", "S! 220-mail\nclose", errors.ConnectionLost, "greeting", None, True),
    Case("EHLO 554", f"{HELLO}S: 554 5.7.1 bad name", errors.ProtocolError, "ehlo", 554, text="local_hostname"),
    Case("EHLO 421", f"{HELLO}S: 421 bye", errors.ServiceUnavailable, "ehlo", 421, True),
    Case("EHLO and HELO 502", f"{HELLO}S: 502 no\nC: HELO me.test\nS: 502 no", errors.ProtocolError, "ehlo", 502),
    Case("EHLO EOF", f"{HELLO}close", errors.ConnectionLost, "ehlo", None, True),
    Case("EHLO 354", f"{HELLO}S: 354 go", errors.ProtocolError, "ehlo", 354),
    Case("greeting with a surplus line", "S: 220 mail.test\nS: 250 injected\nrest", errors.ProtocolError, "ehlo", 250),
    Case("no STARTTLS", f"{HELLO}S: 250-mail.test\nS: 250 AUTH PLAIN", errors.StartTlsNotOffered, "starttls",
         text="SmtpSslTransport"),
    Case("only HELO", f"{HELLO}S: 500 what\nC: HELO me.test\nS: 250 hello", errors.StartTlsNotOffered, "starttls"),
    Case("STARTTLS 454", f"{OFFER}S: 454 4.7.0 not now", errors.StartTlsRefused, "starttls", 454, True),
    Case("STARTTLS 501", f"{OFFER}S: 501 5.5.4 no", errors.StartTlsRefused, "starttls", 501),
    Case("STARTTLS 250", f"{OFFER}S: 250 ok", errors.StartTlsRefused, "starttls", 250),
    Case("STARTTLS 421", f"{OFFER}S: 421 bye", errors.ServiceUnavailable, "starttls", 421, True),
    Case("STARTTLS EOF", f"{OFFER}close", errors.ConnectionLost, "starttls", None, True),
    Case("injected", f"{OFFER}S: 220 go\nS: 250-mail\nS: 250 AUTH PLAIN\nrest", errors.ProtocolError, "starttls",
         text="tampering"),
    Case("injected part of a line", f"{OFFER}S! 220 go\\r\\n2\nrest", errors.ProtocolError, "starttls"),
    Case("garbage for TLS", f"{OFFER}S: 220 go\nsome 1\nS: garbage\nrest", errors.TlsFailed, "tls"),
    Case("EOF for TLS", f"{OFFER}S: 220 go\nsome 1\nclose", errors.ConnectionLost, "tls", None, True),
    Case("EOF after 220", f"{OFFER}S: 220 go\nclose", errors.ConnectionLost, "tls", None, True),
    Case("reset for TLS", f"{OFFER}S: 220 go\nsome 1\nreset", errors.ConnectionLost, "tls", None, True),
    Case("silence for TLS", f"{OFFER}S: 220 go\nsome 1\nstall", errors.TimedOut, "tls", None, True),
    Case("greeting on a TLS port", "S: 220 mail.test ESMTP\nrest", errors.TlsFailed, "tls",
         text="does not speak TLS from the first byte", security="tls"),
    Case("TLS port that stalls", "some 1\nstall", errors.TimedOut, "tls", None, True, "587", security="tls"),
    Case("TLS port that closes", "close", errors.ConnectionLost, "tls", None, True, security="tls"),
]  # fmt: skip


def _ways(case: Case) -> tuple[Way, ...]:
    """Whatever an attacker injects is seen in time if it comes with the 220."""
    ways = each_way(case.transcript)
    if case.name == "reset at once":
        # Over sockets it may come before the connection is there.
        return ALL[:3]
    if "injected" in case.transcript:
        return tuple(way for way in ways if way.delivery == "whole")
    return tuple(
        way for way in ways if "injected" not in case.name or way.kind == "simulated" or way.delivery == "whole"
    )


@pytest.mark.parametrize(
    ("case", "way"),
    [pytest.param(case, way, id=f"{case.name}-{'-'.join(way)}") for case in CASES for way in _ways(case)],
)
def test_not_ready_for_mail(case: Case, way: Way, certificates: Certificates) -> None:
    receipt = send(
        case.transcript, way, security=case.security, certificates=certificates, username="ann", password="pa55word"
    )
    error = receipt.error
    assert error is not None
    assert set(receipt.not_sent) == {"b@b.test"}
    assert type(error) is case.error, error
    assert (error.stage, error.reply and error.reply.code) == (case.stage, case.code)
    assert error.temporary == case.temporary
    assert case.text in str(error)
    assert not isinstance(error, errors.ConnectionLost | errors.TimedOut) or "localhost:" in error.message
    assert "pa55word" not in str(error)


@pytest.mark.parametrize("way", ALL, ids="-".join)
@pytest.mark.parametrize("code", [500, 501, 502, 504])
def test_helo_for_servers_that_do_not_know_ehlo(way: Way, code: int) -> None:
    assert send(f"{HELLO}S: {code} what?\nC: HELO me.test\nS: 250 hello\n{MAIL}", way).ok


@pytest.mark.parametrize("way", ALL, ids="-".join)
def test_what_was_offered_before_tls_is_forgotten(way: Way, certificates: Certificates) -> None:
    """RFC 3207 §4.2: neither the log-in nor PIPELINING of before is used."""
    transcript = f"""
    S: 220 mail.test
    C: EHLO me.test
    S: 250-mail.test
    S: 250-PIPELINING
    S: 250-SIZE 1
    S: 250-AUTH LOGIN
    S: 250 STARTTLS
    C: STARTTLS
    S: 220 go
    tls
    C: EHLO me.test
    S: 250-mail.test
    S: 250 AUTH PLAIN
    C: {PLAIN}
    S: 235 ok
    {MAIL}"""
    receipt = send(transcript, way, security="starttls", certificates=certificates, username="ann", password="pa55word")
    assert receipt.ok, receipt.error


@pytest.mark.parametrize("way", ALL, ids="-".join)
def test_tls_from_the_first_byte(way: Way, certificates: Certificates) -> None:
    transcript = (
        f"tls\nS: 220 mail.test\nC: EHLO me.test\nS: 250-mail.test\nS: 250 AUTH PLAIN\nC: {PLAIN}\nS: 235 ok\n{MAIL}"
    )
    receipt = send(transcript, way, security="tls", certificates=certificates, username="ann", password="pa55word")
    assert receipt.ok, receipt.error


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("way", SOCKETS, ids="-".join)
@pytest.mark.parametrize(
    ("certificate", "error", "text", "hint"),
    [
        ("untrusted", errors.CertificateUntrusted, "cannot be trusted: unable to get local issuer", "ca.pem"),
        ("expired", errors.CertificateUntrusted, "certificate has expired", "openssl s_client"),
        ("wrong-host", errors.CertificateHostMismatch, "is for another host", "Connect to the name"),
    ],
)
def test_a_certificate_that_is_not_right(
    way: Way, security: Security, certificate: Name, certificates: Certificates, error: type[errors.TlsFailed],
    text: str, hint: str,
) -> None:  # fmt: skip
    receipt = refusing(way, security, certificates, certificates.server_context(certificate))
    caught = receipt.error
    assert caught is not None
    assert type(caught) is error, caught
    assert (caught.stage, caught.temporary, caught.reply) == ("tls", False, None)
    assert "localhost:" in caught.message
    assert text in caught.message
    assert hint in (caught.hint or "")


def refusing(way: Way, security: Security, certificates: Certificates, context: ssl.SSLContext) -> Receipt:
    """The receipt of a client that breaks off the TLS handshake, or whose server does."""
    transcript = "tls" if security == "tls" else f"{OFFER}S: 220 go\ntls"
    options = {"certificates": certificates, "context": context, "username": "ann", "password": "pa55word"}
    receipt = send(transcript, way, security=security, **options)
    assert set(receipt.not_sent) == {"b@b.test"}
    return receipt


PINNED = "tls the certificate\nS: 220 mail.test\n"
SEEN = sha256(b"the certificate").hexdigest()


@pytest.mark.parametrize("way", ALL[:3], ids="-".join)
def test_a_pinned_certificate(way: Way) -> None:
    transcript = f"{PINNED}C: EHLO me.test\nS: 250-mail.test\nS: 250 AUTH PLAIN\nC: {PLAIN}\nS: 235 ok\n{MAIL}"
    pinned = Tls(fingerprints=["00" * 32, SEEN])
    assert send(transcript, way, security="tls", tls=pinned, username="ann", password="pa55word").ok


@pytest.mark.parametrize("way", ALL[:3], ids="-".join)
def test_a_certificate_that_is_not_the_pinned_one(way: Way) -> None:
    """It is told nothing more."""
    for transcript, security in (
        (f"{PINNED}close", "tls"),
        (f"{OFFER}S: 220 go\ntls the certificate\nclose", "starttls"),
    ):
        options = {"security": security, "tls": Tls(fingerprints="00" * 32), "username": "ann", "password": "pa55word"}
        error = send(transcript, way, **options).error
        assert isinstance(error, errors.CertificateUntrusted)
        assert SEEN in error.message.replace(":", "").lower()


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("way", SOCKETS, ids="-".join)
def test_tls_before_1_2_is_not_spoken(way: Way, security: Security, certificates: Certificates) -> None:
    context = certificates.server_context()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    own = ssl.create_default_context(cafile=str(certificates.ca_file))
    own.set_ciphers("ALL:@SECLEVEL=0")
    receipt = refusing(way, security, certificates, context)
    assert type(receipt.error) is errors.TlsFailed
    assert "TLS 1.2" in (receipt.error.hint or "")


@pytest.mark.parametrize("way", ALL[:3], ids="-".join)
def test_each_step_has_its_time_out(way: Way) -> None:
    """In virtual seconds; a server that drips cannot extend them."""
    drip = "".join(f"S! {octet}\nwait 4\n" for octet in "220-mail.test")
    for transcript, seconds, stage in (
        ("stall", 7, "greeting"),
        (f"{drip}stall", 7, "greeting"),
        (f"{HELLO}stall", 5, "ehlo"),
        (f"{HELLO}{drip.replace('220', '250')}stall", 5, "ehlo"),
        (f"{HELLO}wait 3\nS: 250 mail.test\nC: MAIL FROM:<a@a.test>\nwait 4\nS: 250 ok\nC~ RCPT.*\nstall", 12, "rcpt"),
    ):
        player = Player(steps(transcript)[0])
        runtime = SimulatedRuntime(lambda host, port, player=player: player, delivery=way.delivery)  # type: ignore[misc]
        transport = PlaintextSmtpTransport("a.test", local_hostname="me.test", timeouts=Timeouts(greeting=7, reply=5))
        receipt = run(transport.send(MESSAGE, runtime))
        assert isinstance(receipt.error, errors.TimedOut)
        assert (receipt.error.stage, runtime.now()) == (stage, seconds)
