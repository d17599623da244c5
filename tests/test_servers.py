"""The servers of these tests do what the tests rely on, seen with the standard library's client."""

from __future__ import annotations

import smtplib
import socket
import ssl
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from servers.certificates import Certificates, Name
    from servers.daemon import Daemon
    from servers.exim import Exim
    from servers.postfix import Postfix
    from servers.smtp_server import SmtpServer
    from servers.smtpd import Security, StartSmtpd

CONTENT = (
    b"Received: by hand\r\nFrom: ann@example.com\r\nTo: bob@example.com\r\nBcc: kept@example.com\r\n"
    b"Subject: %s\r\n\r\n.a dot\r\n..two dots\r\n\r\ntrailing space \r\n" + b"x" * 990 + b"\r\n"
)
SECURITIES: tuple[Security, ...] = ("starttls", "tls")


class Account(NamedTuple):
    """Where to log in, and as whom."""

    port: int
    security: Security
    username: str
    password: str


@contextmanager
def log_in(account: Account, certificates: Certificates) -> Generator[smtplib.SMTP]:
    context = certificates.client_context()
    with closing(
        smtplib.SMTP_SSL("localhost", account.port, timeout=10, context=context)
        if account.security == "tls"
        else smtplib.SMTP("localhost", account.port, timeout=10)
    ) as client:
        if account.security == "starttls":
            client.starttls(context=context)
        client.login(account.username, account.password)
        yield client


@pytest.mark.parametrize("security", SECURITIES)
def test_smtpd_keeps_what_it_accepts(smtpd: StartSmtpd, certificates: Certificates, security: Security) -> None:
    server = smtpd(security=security, username="ann", password="secret", refused={"no@example.com"})
    with log_in(Account(server.port, security, "ann", "secret"), certificates) as client:
        refused = client.sendmail("ann@example.com", ["bob@example.com", "no@example.com"], CONTENT)
    assert refused == {"no@example.com": (550, b"5.1.1 <no@example.com>: no such mailbox")}
    (mail,) = server.accepted
    assert (mail.mail_from, mail.rcpt_tos, mail.username) == ("ann@example.com", ("bob@example.com",), "ann")
    assert mail.content == CONTENT
    assert mail.encrypted
    assert server.connections == 1


@pytest.mark.parametrize("security", SECURITIES)
def test_smtpd_wants_the_right_password(smtpd: StartSmtpd, certificates: Certificates, security: Security) -> None:
    server = smtpd(security=security, username="ann", password="right")
    wrong = Account(server.port, security, "ann", "wrong")
    with pytest.raises(smtplib.SMTPAuthenticationError, match="535"), log_in(wrong, certificates):
        pass


def test_smtpd_takes_no_mail_before_log_in(smtpd: StartSmtpd) -> None:
    server = smtpd(security="plaintext", username="ann", password="right")
    with smtplib.SMTP("localhost", server.port, timeout=10) as client:
        assert client.docmd("EHLO", "localhost")[0] == 250
        assert client.mail("ann@example.com")[0] == 530


def test_smtpd_without_username_offers_no_log_in(smtpd: StartSmtpd) -> None:
    server = smtpd(security="plaintext", extensions=["PIPELINING"])
    with smtplib.SMTP("localhost", server.port, timeout=10) as client:
        client.ehlo()
        assert not client.has_extn("auth")
        assert client.has_extn("pipelining")
        client.sendmail("ann@example.com", "bob@example.com", CONTENT)
    assert [mail.username for mail in server.accepted] == [None]


def test_smtpd_stops_with_a_client_still_connected(smtpd: StartSmtpd, certificates: Certificates) -> None:
    server = smtpd(username="ann", password="right")
    with log_in(Account(server.port, "starttls", "ann", "right"), certificates) as client:
        server.stop()
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.noop()


@pytest.mark.parametrize(
    ("certificate", "complaint"),
    [
        ("wrong-host", "Hostname mismatch"),
        ("expired", "certificate has expired"),
        ("untrusted", "unable to get local issuer certificate"),
    ],
)
def test_bad_certificates_are_bad(
    smtpd: StartSmtpd, certificates: Certificates, certificate: Name, complaint: str
) -> None:
    server = smtpd(security="tls", certificate=certificate, username="ann", password="right")
    account = Account(server.port, "tls", "ann", "right")
    with pytest.raises(ssl.SSLCertVerificationError, match=complaint), log_in(account, certificates):
        pass


def test_smtpd_stops_with_a_handshake_under_way(smtpd: StartSmtpd) -> None:
    server = smtpd(security="tls")
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(b"\x16")  # the first byte of a TLS record
        server.stop()  # which fails if its thread does not end


@pytest.mark.parametrize("security", SECURITIES)
def test_postfix_delivers_the_bytes(postfix: Postfix, certificates: Certificates, security: Security) -> None:
    port = postfix.submissions_port if security == "tls" else postfix.submission_port
    content = CONTENT % f"test over {security}".encode()
    with log_in(Account(port, security, postfix.username, postfix.password), certificates) as client:
        refused = client.sendmail(postfix.username, ["bob@example.com", postfix.refused], content)
        assert client.has_extn("pipelining")
        assert client.has_extn("smtputf8")
        assert client.has_extn("chunking")
    assert list(refused) == [postfix.refused]
    assert refused[postfix.refused][0] == 550
    (mail,) = postfix.delivered(f"test over {security}".encode())
    assert mail.content == content
    assert b"Delivered-To: bob@example.com" in mail.trace
    assert f"Authenticated sender: {postfix.username}".encode() in mail.trace


def test_postfix_refuses_a_wrong_password(postfix: Postfix, certificates: Certificates) -> None:
    wrong = Account(postfix.submission_port, "starttls", postfix.username, "wrong")
    with pytest.raises(smtplib.SMTPAuthenticationError, match="535"), log_in(wrong, certificates):
        pass


def test_postfix_relays_for_this_machine_without_log_in(postfix: Postfix) -> None:
    with smtplib.SMTP("localhost", postfix.relay_port, timeout=10) as client:
        assert client.sendmail("", "carol@example.com", CONTENT % b"by relay") == {}
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            client.sendmail("", "carol@elsewhere.example", CONTENT)
    (mail,) = postfix.delivered(b"by relay")
    assert b"Return-Path: <>" in mail.trace


def test_exim_offers_what_flights_need(exim: Exim, certificates: Certificates) -> None:
    with smtplib.SMTP("localhost", exim.port, timeout=10) as client:
        client.starttls(context=certificates.client_context())
        client.ehlo()
        assert {"pipelining", "chunking", "size", "8bitmime", "smtputf8"} <= client.esmtp_features.keys()
        refused = client.sendmail("ann@example.com", ["bob@example.com", exim.refused], CONTENT % b"by Exim")
    assert refused == {exim.refused: (550, b"5.1.1 No such mailbox")}
    (mail,) = exim.delivered(b"by Exim")
    assert (mail.content, mail.sender, mail.recipient) == (CONTENT % b"by Exim", "ann@example.com", "bob@example.com")


def test_smtp_server_pipelines_without_chunking(npm_server: SmtpServer, certificates: Certificates) -> None:
    with smtplib.SMTP("localhost", npm_server.port, timeout=10) as client:
        client.starttls(context=certificates.client_context())
        client.ehlo()
        assert client.has_extn("pipelining")
        assert not client.has_extn("chunking")
        client.sendmail("ann@example.com", ["bob@example.com", "cid@example.com"], CONTENT % b"by smtp-server")
    found = npm_server.delivered(b"by smtp-server", count=2)
    assert [mail.recipient for mail in found] == ["bob@example.com", "cid@example.com"]
    assert {mail.content for mail in found} == {CONTENT % b"by smtp-server"}


@pytest.mark.parametrize("name", ["exim", "npm_server"])
def test_servers_refuse_a_sender(request: pytest.FixtureRequest, name: str) -> None:
    server: Daemon = request.getfixturevalue(name)
    with smtplib.SMTP("localhost", server.port, timeout=10) as client:
        client.ehlo()
        assert client.mail(server.refused_sender) == (550, b"5.7.1 Not from you")
