"""TLS that is not to be trusted, on real sockets: what the client says of it, and that it told the server nothing.

The server keeps every octet that it got. Where it can, it goes on as if all were well, and would take the log-in.
"""

from __future__ import annotations

import logging
import ssl
import warnings
from base64 import b64encode
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import pytest

from servers.wiretap import Line, Wiretap
from smtpkit import (
    CertificateHostMismatch,
    CertificateUntrusted,
    ConnectionLost,
    DeliveryError,
    InsecureTlsWarning,
    InvalidConfiguration,
    Message,
    ProtocolError,
    SmtpSslTransport,
    SmtpTlsTransport,
    StartTlsNotOffered,
    StartTlsRefused,
    Timeouts,
    Tls,
    TlsFailed,
    insecure_tls,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from both import AnyMailer, Both
    from servers.certificates import Certificates, Name

pytest_plugins = ("both",)

Security: TypeAlias = Literal["starttls", "tls"]
Serve: TypeAlias = "Callable[[Line, Certificates], object]"

USERNAME, PASSWORD = "me@example.com", "correct horse battery"
MESSAGE = Message().to("ann@example.com").subject("Confidential").text("Nobody else may read this.")
PRIVATE = [
    *(USERNAME, PASSWORD, "ann@example.com", "Confidential", "Nobody else may read this"),
    *(b64encode(text.encode()).decode() for text in (USERNAME, PASSWORD, f"\0{USERNAME}\0{PASSWORD}")),
]
SECURITIES = pytest.mark.parametrize("security", ["starttls", "tls"])


def offer(line: Line, *extensions: str) -> None:
    """Greet, and answer EHLO."""
    line.say("220 mail.test ESMTP")
    hello(line, *extensions)


def hello(line: Line, *extensions: str) -> None:
    assert line.hear().startswith("EHLO ")
    lines = ["mail.test", *extensions, "HELP"]
    line.say(*(f"250{'-' if number < len(lines) else ' '}{text}" for number, text in enumerate(lines, 1)))


def starttls(line: Line, *answers: str) -> None:
    """Offer STARTTLS, and answer it."""
    offer(line, "STARTTLS")
    assert line.hear() == "STARTTLS"
    line.say(*answers or ["220 go ahead"])


def take_mail(line: Line) -> None:
    """All that a client wants of a server."""
    hello(line, "AUTH PLAIN", "REQUIRETLS")
    answers = {"AUTH": "235 ok", "DATA": "354 go on", "QUIT": "221 bye"}
    while True:
        verb = line.hear().partition(" ")[0]
        line.say(answers.get(verb, "250 ok"))
        if verb == "DATA":
            while line.hear() != ".":
                pass
            line.say("250 taken")


def serve_tls(line: Line, security: Security, context: ssl.SSLContext) -> None:
    """A whole server with TLS."""
    if security == "starttls":
        starttls(line)
    line.shake_hands(context)
    if security == "tls":
        line.say("220 mail.test ESMTP")
    take_mail(line)


def mailer(both: Both, security: Security, port: int, tls: Any, host: str = "localhost") -> AnyMailer:
    kind = SmtpTlsTransport if security == "starttls" else SmtpSslTransport
    waits = Timeouts(connect=5, greeting=5, reply=5)
    transport = kind(host, port, username=USERNAME, password=PASSWORD, tls=tls, timeouts=waits)
    return both.mailer(transport, default_from=USERNAME)


def accepted(both: Both, security: Security, context: ssl.SSLContext, tls: Any, message: Message = MESSAGE) -> bool:
    """Whether a server with ``context`` takes a mail."""
    with Wiretap(lambda line: serve_tls(line, security, context)) as server:
        sender = mailer(both, security, server.port, tls)
        try:
            return both.send(sender, message).ok
        finally:
            both.close(sender)


def failure(both: Both, serve: Callable[[Line], object], security: Security, tls: Any, host: str) -> DeliveryError:
    """What the client says of a server to which it told nothing."""
    with Wiretap(serve) as server:
        with pytest.raises(DeliveryError) as caught:
            both.send(mailer(both, security, server.port, tls, host), MESSAGE)
        heard = server.stop()
    assert server.lines
    for text in PRIVATE:
        assert text.encode() not in heard
    error = caught.value
    assert error.receipt is not None
    assert set(error.receipt.not_sent) == {"ann@example.com"}
    assert error.safe_to_retry
    assert error.hint
    assert PASSWORD not in str(error)
    return error


# -- certificates and versions -------------------------------------------------------


def showing(name: Name) -> Callable[[Certificates], ssl.SSLContext]:
    return lambda certificates: certificates.server_context(name)


def outdated(certificates: Certificates) -> ssl.SSLContext:
    context = certificates.server_context()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def version_1_2(certificates: Certificates, *, asks_clients: bool = False) -> ssl.SSLContext:
    context = certificates.server_context(asks_clients=asks_clients)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def asking(certificates: Certificates) -> ssl.SSLContext:
    return certificates.server_context(asks_clients=True)


def ca_file(certificates: Certificates) -> Any:
    return certificates.ca_file


def only_1_3(certificates: Certificates) -> Any:
    return Tls(certificates.ca_file, minimum_version="1.3")


def systems(_: Certificates) -> Any:
    return None


def pinned(*names: Name) -> Callable[[Certificates], Any]:
    return lambda certificates: Tls(fingerprints=["00" * 32, *map(certificates.fingerprint, names)])


class Peer(NamedTuple):
    """A server whose TLS is not as it should be, and what is said of it."""

    name: str
    present: Callable[[Certificates], ssl.SSLContext]
    error: type[TlsFailed]
    text: str
    hint: str
    tls: Callable[[Certificates], Any] = ca_file
    host: str = "localhost"


PEERS = [
    Peer("expired", showing("expired"), CertificateUntrusted, "is not valid now: certificate has expired", "clock"),
    Peer("not yet valid", showing("not-yet-valid"), CertificateUntrusted, "certificate is not yet valid", "clock"),
    Peer("self-signed", showing("self-signed"), CertificateUntrusted, "self-signed certificate", "tls=Tls("),
    Peer("unknown CA", showing("untrusted"), CertificateUntrusted, "unable to get local issuer", 'tls="ca.pem"'),
    Peer("wrong host", showing("wrong-host"), CertificateHostMismatch, "is for another host", "Connect to the name"),
    Peer("wrong address", showing("name-only"), CertificateHostMismatch, "IP address mismatch", "Connect to the name",
         host="127.0.0.1"),
    Peer("TLS 1.1", outdated, TlsFailed, "handshake", "TLS 1.2 or later"),
    Peer("TLS 1.2 where 1.3 is wanted", version_1_2, TlsFailed, "handshake", "older versions",
         only_1_3),
    Peer("system's CAs only", showing("server"), CertificateUntrusted, "cannot be trusted", 'tls="ca.pem"', systems),
    Peer("not the pinned one", showing("self-signed"), CertificateUntrusted, "is not the pinned one",
         "ask those who run it", pinned("untrusted")),
    Peer("pinned, right CA", showing("server"), CertificateUntrusted, "is not the pinned one", "ask those who run it",
         pinned("self-signed", "expired")),
    Peer("client certificate wanted", asking, TlsFailed, "certificate required", "client_certificate=..."),
]  # fmt: skip


@SECURITIES
@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_tls_that_is_not_right(both: Both, certificates: Certificates, security: Security, peer: Peer) -> None:
    context = peer.present(certificates)
    error = failure(both, lambda line: serve_tls(line, security, context), security, peer.tls(certificates), peer.host)
    assert type(error) is peer.error, error
    assert isinstance(error, ConnectionError)
    assert (error.stage, error.temporary, error.reply) == ("tls", False, None)
    assert f"{peer.host}:" in error.message
    assert peer.text in error.message
    assert peer.hint in (error.hint or "")


@SECURITIES
def test_the_fingerprint_that_was_seen_is_told(both: Both, certificates: Certificates, security: Security) -> None:
    """So that it can be pinned, once it was confirmed on another way."""
    context = certificates.server_context("self-signed")
    seen = certificates.fingerprint("self-signed")
    tls = pinned()(certificates)
    error = failure(both, lambda line: serve_tls(line, security, context), security, tls, "localhost")
    assert seen in error.message
    assert accepted(both, security, context, Tls(fingerprints=seen))


# -- the way to TLS ------------------------------------------------------------------


def tempt(line: Line) -> None:
    """Go on in plaintext."""
    with suppress(EOFError):
        take_mail(line)


def stripped(line: Line, _: Certificates) -> None:
    offer(line, "AUTH PLAIN LOGIN")
    tempt(line)


def overwritten(line: Line, _: Certificates) -> None:
    offer(line, "XXXXXXXA", "AUTH PLAIN LOGIN")
    tempt(line)


def refused(*answers: str) -> Serve:
    def serve(line: Line, _: Certificates) -> None:
        starttls(line, *answers)
        tempt(line)

    return serve


def injected(line: Line, certificates: Certificates) -> None:
    starttls(line, "220 go ahead", "250-mail.test", "250 AUTH PLAIN")
    line.shake_hands(certificates.server_context())
    take_mail(line)


def closed(line: Line, _: Certificates) -> None:
    line.listen(1)


def closed_after_220(line: Line, certificates: Certificates) -> None:
    starttls(line)
    closed(line, certificates)


def garbled(line: Line, _: Certificates) -> None:
    line.listen(1)
    line.say("I do not speak that")


def garbled_after_220(line: Line, certificates: Certificates) -> None:
    starttls(line)
    garbled(line, certificates)


def plaintext(line: Line, _: Certificates) -> None:
    line.say("220 mail.test ESMTP")
    while True:
        # What it takes for lines is a part of the client's handshake.
        line.hear()
        line.say("250 AUTH PLAIN LOGIN")


class Way(NamedTuple):
    """A server that does not come to TLS, and what is said of it."""

    name: str
    serve: Serve
    security: Security
    error: type[DeliveryError]
    stage: str
    text: str
    hint: str
    temporary: bool = False


WAYS = [
    Way("STARTTLS stripped", stripped, "starttls", StartTlsNotOffered, "starttls", "does not offer", "hiding it"),
    Way("STARTTLS overwritten", overwritten, "starttls", StartTlsNotOffered, "starttls", "does not offer", "hiding it"),
    Way("no STARTTLS on this machine", stripped, "starttls", StartTlsNotOffered, "starttls", "does not offer",
        "smtp+plaintext://"),
    Way("STARTTLS 454", refused("454 4.7.0 not now"), "starttls", StartTlsRefused, "starttls", "refuses it", "later",
        temporary=True),
    Way("STARTTLS 502", refused("502 5.5.1 no"), "starttls", StartTlsRefused, "starttls", "refuses it", "TLS port"),
    Way("injected", injected, "starttls", ProtocolError, "starttls", "between its reply to STARTTLS", "tampering"),
    Way("closed", closed, "tls", ConnectionLost, "tls", "broke off the TLS handshake", "later", temporary=True),
    Way("closed after 220", closed_after_220, "starttls", ConnectionLost, "tls", "broke off the TLS handshake", "later",
        temporary=True),
    Way("garbled", garbled, "tls", TlsFailed, "tls", "does not speak TLS", "SmtpTlsTransport"),
    Way("garbled after 220", garbled_after_220, "starttls", TlsFailed, "tls", "handshake", "TLS 1.2"),
    Way("plaintext", plaintext, "tls", TlsFailed, "tls", "does not speak TLS", "SmtpTlsTransport"),
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_no_tls(both: Both, certificates: Certificates, way: Way) -> None:
    error = failure(both, lambda line: way.serve(line, certificates), way.security, certificates.ca_file, "localhost")
    assert type(error) is way.error, error
    assert (error.stage, error.temporary) == (way.stage, way.temporary)
    assert way.text in error.message
    assert way.hint in (error.hint or "")


# -- what is as it should be ---------------------------------------------------------


VERIFIED: list[Callable[[Certificates], Any]] = [
    ca_file,
    lambda certificates: str(certificates.ca_file),
    lambda certificates: Tls(ca_file=certificates.ca_file),
    only_1_3,
    lambda certificates: certificates.client_context(),
    lambda certificates: Tls(fingerprints=certificates.fingerprint().lower().replace(":", "")),
    pinned("server"),
]


@SECURITIES
@pytest.mark.parametrize("tls", VERIFIED)
def test_verified(
    both: Both, certificates: Certificates, security: Security, tls: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert accepted(both, security, certificates.server_context(), tls(certificates), MESSAGE.require_tls())
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("certificate", ["self-signed", "expired", "wrong-host", "untrusted"])
def test_a_pinned_certificate_needs_nothing_else(both: Both, certificates: Certificates, certificate: Name) -> None:
    tls = pinned(certificate)(certificates)
    assert accepted(both, "tls", certificates.server_context(certificate), tls, MESSAGE.require_tls())


@SECURITIES
@pytest.mark.parametrize("newest", [True, False])
@pytest.mark.parametrize("encrypted", [True, False])
@pytest.mark.parametrize("by_pin", [True, False])
def test_a_client_certificate(
    both: Both, certificates: Certificates, security: Security, newest: bool, encrypted: bool, by_pin: bool
) -> None:
    context = certificates.server_context(asks_clients=True) if newest else version_1_2(certificates, asks_clients=True)
    trusted: dict[str, Any] = (
        {"fingerprints": certificates.fingerprint()} if by_pin else {"ca_file": certificates.ca_file}
    )
    if encrypted:
        trusted["client_key"] = certificates.encrypted_client_key
        trusted["client_key_password"] = certificates.client_key_password
    tls = Tls(client_certificate=certificates.client_certificate, **trusted)
    assert accepted(both, security, context, tls)


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({"ca_file": "no-such.pem"}, "No such file"),
        ({"ca_file": __file__}, "CA certificates"),
        ({"client_certificate": "no-such.pem"}, "No such file"),
        ({"client_certificate": __file__}, "cannot use the client certificate"),
        ({"client_key": "encrypted"}, "cannot use the client certificate"),
        ({"client_key": "encrypted", "client_key_password": PASSWORD}, "cannot use the client certificate"),
        ({"client_key": "other"}, "key values mismatch"),
    ],
)
def test_files_that_cannot_be_used(both: Both, certificates: Certificates, files: dict[str, Any], text: str) -> None:
    if "client_key" in files:
        keys = {"encrypted": certificates.encrypted_client_key, "other": certificates.pem_file("wrong-host")}
        files = {
            **files,
            "client_certificate": certificates.client_certificate,
            "client_key": keys[files["client_key"]],
        }
    with pytest.raises(InvalidConfiguration, match=f"(?i){text}") as caught:
        both.send(mailer(both, "tls", 1, Tls(**files)), MESSAGE)
    assert caught.value.hint
    assert PASSWORD not in str(caught.value)


# -- not verified --------------------------------------------------------------------


def unverified_context(*, name_only: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    if not name_only:
        context.verify_mode = ssl.CERT_NONE
    return context


@SECURITIES
@pytest.mark.parametrize("tls", [insecure_tls(), unverified_context(name_only=False)])
def test_insecure_tls_is_loud(
    both: Both, certificates: Certificates, security: Security, tls: Any, caplog: pytest.LogCaptureFixture
) -> None:
    context = certificates.server_context("self-signed")
    with Wiretap(lambda line: serve_tls(line, security, context)) as server:
        with pytest.warns(InsecureTlsWarning, match="does not verify") as warned:
            sender = mailer(both, security, server.port, tls)
        assert [each.filename for each in warned] == [__file__]
        for count in (1, 2):
            assert both.send(sender, MESSAGE).ok
            both.close(sender)
            loud = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
            assert len(loud) == count
            assert certificates.fingerprint("self-signed") in loud[-1]


def test_every_transport_that_is_not_verified_warns() -> None:
    for tls in (insecure_tls(), unverified_context(name_only=True), unverified_context(name_only=False)):
        for kind in (SmtpTlsTransport, SmtpSslTransport):
            for _ in range(2):
                with pytest.warns(InsecureTlsWarning):
                    kind("localhost", tls=tls)


@pytest.mark.parametrize("offered", ["PLAIN LOGIN SCRAM-SHA-256", "LOGIN CRAM-MD5"])
def test_whom_nobody_verified_is_not_told_the_password_first(
    both: Both, certificates: Certificates, offered: str
) -> None:
    said: list[str] = []

    def serve(line: Line) -> None:
        line.shake_hands(certificates.server_context("self-signed"))
        offer(line, f"AUTH {offered}")
        said.append(line.hear())
        line.say("535 no")

    with Wiretap(serve) as server:
        with pytest.warns(InsecureTlsWarning):
            sender = mailer(both, "tls", server.port, insecure_tls())
        with pytest.raises(DeliveryError):
            both.send(sender, MESSAGE)
    assert said[0].split()[1] in ("SCRAM-SHA-256", "CRAM-MD5")


# -- the value -----------------------------------------------------------------------

PIN = ":".join(["AB"] * 32)


@pytest.mark.parametrize("given", [PIN, PIN.lower(), "ab" * 32, ["AB" * 32], (PIN,), iter([PIN]), "AB " * 32])
def test_the_forms_of_a_fingerprint(given: Any) -> None:
    assert Tls(fingerprints=given).fingerprints == (PIN,)
    assert Tls(fingerprints=PIN) == Tls(None, PIN)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"fingerprints": "AB" * 20}, "not a SHA-256 fingerprint"),
        ({"fingerprints": "XY" * 32}, "not a SHA-256 fingerprint"),
        ({"fingerprints": ["AB" * 32, b"AB" * 32]}, "not a SHA-256 fingerprint"),
        ({"fingerprints": PIN + "\n"}, "not a SHA-256 fingerprint"),
        ({"fingerprints": ""}, "not a SHA-256 fingerprint"),
        ({"fingerprints": PIN, "ca_file": "ca.pem"}, "both were given"),
        ({"ca_file": ""}, "ca_file="),
        ({"ca_file": b"ca.pem"}, "ca_file="),
        ({"client_key": "key.pem"}, "no client_certificate"),
        ({"client_key_password": PASSWORD}, "no client_certificate"),
        ({"minimum_version": "1.1"}, "minimum_version='1.1'"),
        ({"minimum_version": 1.2}, "minimum_version=1.2"),
    ],
)
def test_settings_that_cannot_be(given: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidConfiguration, match=text) as caught:
        Tls(**given)
    assert PASSWORD not in str(caught.value)


def test_what_a_setting_shows() -> None:
    shown = repr(Tls("ca.pem", client_certificate="me.pem", client_key="me.key", client_key_password=PASSWORD))
    assert "'me.key'" in shown
    assert PASSWORD not in shown
    assert repr(insecure_tls()) == "insecure_tls()"
    assert insecure_tls() == insecure_tls()
