"""`ScriptedServer`: what a client of any kind meets there."""

from __future__ import annotations

import smtplib
import ssl
import sys
from operator import methodcaller
from typing import TYPE_CHECKING, Any

import pytest

from smtpkit import (
    AuthenticationFailed,
    FakeTransport,
    InvalidAddress,
    InvalidConfiguration,
    Mailer,
    Message,
    SenderRefused,
    Timeouts,
)
from smtpkit.testing import ScriptedServer, check_transport

if TYPE_CHECKING:
    from collections.abc import Callable

    from both import Both
    from smtpkit.testing import Scripted
    from smtpkit.testing.server import Security

pytest_plugins = ("both",)

ANN = Message().from_("shop@example.com").to("ann@example.com").subject("Hello").text("Hi\n.\nbye")
SECURITIES: tuple[Security, ...] = ("starttls", "tls", "plaintext")


@pytest.mark.parametrize("security", SECURITIES)
@pytest.mark.parametrize("username", ["user", None])
def test_by_its_url(security: Security, username: str | None, both: Both) -> None:
    with ScriptedServer(security=security, username=username, password="s3cret/@:") as server:
        mailer = both.keep(both.type.from_url(server.url))
        receipt = both.send(mailer, ANN)
        both.close(mailer)
    mail = server.assert_sent(to="ann@example.com", text_contains="Hi\n.\nbye", count=1)
    assert mail.message_id == receipt.message_id
    assert server.accepted[0].username == username
    assert server.accepted[0].encrypted is (security != "plaintext")
    assert (server.ca_file is None) is (server.tls is None) is (security == "plaintext")


@pytest.mark.parametrize("security", SECURITIES)
def test_the_standard_library_is_a_client_too(security: Security) -> None:
    with ScriptedServer(security=security) as server:
        context = ssl.create_default_context(cafile=server.ca_file)
        if security == "tls":
            client: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, context=context, timeout=10)
        else:
            client = smtplib.SMTP(server.host, server.port, timeout=10)
        with client:
            if security == "starttls":
                assert client.docmd("MAIL", "FROM:<a@example.com>")[0] == 530
                client.starttls(context=context)
            client.ehlo()
            assert client.docmd("MAIL", "FROM:<a@example.com>")[0] == 530
            with pytest.raises(smtplib.SMTPAuthenticationError):
                client.login("user", "wrong")
            client.user, client.password = "user", "secret"
            client.auth("LOGIN", client.auth_login)
            for command, code in (
                ("VRFY", 500),
                ("NOOP", 250),
                ("MAIL", 501),
                ("DATA", 503),
                ("RCPT TO:<a@b.test>", 503),
                ("BDAT many", 503),
                (f"BDAT {'9' * 5000}", 503),
            ):
                assert client.docmd(command)[0] == code
            assert client.docmd(f"MAIL FROM:<a@example.com> SIZE={'9' * 5000}")[0] == 250
            assert client.docmd("RCPT nobody")[0] == 501
            assert client.docmd("AUTH CRAM-MD5")[0] == 504
            client.rset()
            client.sendmail("a@example.com", ["ann@example.com"], b"Subject: x\r\n\r\n.dot\r\n")
    assert server.accepted[0][:3] == ("a@example.com", ("ann@example.com",), b"Subject: x\r\n\r\n.dot\r\n")


def test_wrong_password(both: Both) -> None:
    with ScriptedServer() as server:
        mailer = both.mailer(server.transport(password="wrong"))
        with pytest.raises(AuthenticationFailed):
            both.send(mailer, ANN)
        both.close(mailer)


def test_no_log_in_where_it_is_wanted(both: Both) -> None:
    with ScriptedServer() as server:
        mailer = both.mailer(server.transport(username=None, password=None))
        with pytest.raises(SenderRefused, match="wants a log-in"):
            both.send(mailer, ANN)
        both.close(mailer)


def test_it_knows_what_came_twice() -> None:
    with ScriptedServer() as server:
        server.leave_uncertain(times=1)
        with server.mailer(default_from="shop@example.com") as mailer:
            message = Message().to("ann@example.com").message_id("<1@example.com>")
            assert [receipt.ok for receipt in mailer.send_many([message, message])] == [False, True]
        assert [mail.message_id for mail in server.outbox] == ["<1@example.com>"] * 2
        assert server.connections == 2
        server.clear()
        server.assert_not_sent()


def test_options_of_mailer_and_transport() -> None:
    with ScriptedServer() as server:
        mailer = server.mailer(on_partial="raise", timeouts=Timeouts(reply=1), connections=2)
        assert mailer.send(ANN).ok
        mailer.close()


def test_it_can_be_started_and_stopped_by_hand() -> None:
    server = ScriptedServer(security="plaintext")
    with pytest.raises(InvalidConfiguration, match="was not started"):
        _ = server.port
    assert "not started" in repr(server)
    mailer = Mailer(server.start().transport())
    assert mailer.send(ANN).ok
    server.stop()
    server.stop()
    assert repr(server).endswith("1 mails>")


def test_a_wrong_security() -> None:
    with pytest.raises(InvalidConfiguration, match="security='ssl'"):
        ScriptedServer(security="ssl")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


WRONG: dict[str, Callable[[Scripted], object]] = {
    "no stage": methodcaller("time_out", "somewhere"),
    "no reply": methodcaller("refuse_content", "no"),
    "a positive reply": methodcaller("refuse_content", "250 ok"),
    "two lines": methodcaller("refuse_content", "550 no\r\n250 yes"),
    "no times": methodcaller("fail_temporarily", 0),
    "no address": methodcaller("refuse_recipient", "nobody"),
    "no time": methodcaller("slow_down", -1),
    "no size": methodcaller("limit_size", 0),
    "no mails": methodcaller("limit_daily", -1),
    "nobody": methodcaller("refuse_recipient", None),
    "several": methodcaller("refuse_recipient", ["ann@example.com"]),
    "a number for a reply": methodcaller("refuse_content", 550),
    "for good": methodcaller("fail_temporarily", 1, "550 no"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_told(name: str) -> None:
    with pytest.raises((InvalidConfiguration, InvalidAddress)):
        WRONG[name](FakeTransport())


STRANGE: list[tuple[str, str, bytes, bytes]] = [
    ("root", "ann@example.com", b"Subject: x\r\n\r\n", b"553 5.1.3 not an address"),
    ("a@example.com", "bob", b"Subject: x\r\n\r\n", b"553 5.1.3 not an address"),
    ("a@example.com", "ann@example.com", b"no header\r\n", b"554 5.6.0 the data has no header"),
    ("a@example.com", "ann@example.com", b"Subject: x\r\nBcc: b@c.d\r\n\r\n", b"554 5.6.0 Bcc"),
    ("a@example.com", "ann@example.com", b"Subject: x\n\r\n", b"554 5.6.0 a bare line feed"),
    ("a@example.com", "ann@example.com", b"Subject: x\r\n\r\n", b"250 2.0.0 kept"),
]


def test_what_others_send_that_is_no_mail_is_refused() -> None:
    with ScriptedServer(security="plaintext", username=None) as server:
        with smtplib.SMTP(server.host, server.port, timeout=10) as client:
            client.ehlo()
            for sender, recipient, content, reply in STRANGE:
                client.putcmd(f"MAIL FROM:<{sender}>")
                replies = [client.getreply()]
                if replies[0][0] == 250:
                    replies.append(client.rcpt(recipient))
                if replies[-1][0] == 250:
                    client.docmd("DATA")
                    client.send(content + b".\r\n")
                    replies.append(client.getreply())
                client.rset()
                assert (b"%d %s" % replies[-1]).startswith(reply)
        assert [mail.content for mail in server.accepted] == [b"Subject: x\r\n\r\n"]
        server.assert_sent(to="ann@example.com", count=1)


def test_a_list_is_no_text() -> None:
    for make in (FakeTransport, ScriptedServer):
        with pytest.raises(InvalidConfiguration, match="extensions='CHUNKING'"):
            make(extensions="CHUNKING")


def test_a_number_is_no_timeouts() -> None:
    wrong: Any = 5
    with pytest.raises(InvalidConfiguration, match="timeouts=5"):
        FakeTransport(timeouts=wrong)


def test_without_trustme(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smtpkit.testing.server._certificate", None)
    monkeypatch.setitem(sys.modules, "trustme", None)
    with pytest.raises(InvalidConfiguration, match=r'pip install "smtpkit\[testing\]"'):
        ScriptedServer()
    with ScriptedServer(security="plaintext") as server:
        assert server.mailer().send(ANN).ok


def test_it_serves_large_contents_and_many_connections() -> None:
    large = ANN.attach(b"." * 3_000_000, filename="dots.bin")
    with ScriptedServer(extensions=("PIPELINING", "CHUNKING")) as server:
        with server.mailer(connections=4) as mailer:
            assert mailer.send(large).ok
            batch = mailer.send_many([ANN] * 50, connections=4, in_flight=8)
            assert all(receipt.ok for receipt in batch)
        server.assert_sent(attachment=lambda file: file.data == b"." * 3_000_000, count=1)  # pyright: ignore[reportUnknownLambdaType, reportUnknownMemberType]
        check_transport(server.transport)
    with ScriptedServer(extensions=()) as server, server.mailer() as mailer:
        assert mailer.send(large).ok
