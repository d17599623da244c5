"""From a mailer to a real server on loopback, over both kinds of TLS, with a log-in. Public API only."""

from __future__ import annotations

import asyncio
import logging
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any

import pytest

from smtpkit import (
    AsyncMailer,
    AuthenticationFailed,
    CertificateHostMismatch,
    CertificateUntrusted,
    ConnectFailed,
    ContentRefused,
    DailyLimit,
    DailyLimitExceeded,
    Message,
    NoCommonMechanism,
    Provider,
    RecipientsRefused,
    SmtpkitError,
    SmtpSslTransport,
    SmtpTlsTransport,
    StartTlsNotOffered,
    TlsFailed,
    providers,
)
from smtpkit.providers import Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from both import AnyMailer, Both
    from servers.certificates import Certificates
    from servers.smtpd import Security, Smtpd, StartSmtpd

pytest_plugins = ("both",)

USERNAME, PASSWORD, WRONG = "me@example.com", "correct horse battery", "staple-staple"
REFUSED = "nobody@example.com"
MESSAGE = Message().to("ann@example.com").subject("Hello").text("Hi Ann\n.\n..two dots\n")
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 40
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(255, -1, -1))

SECURITIES = pytest.mark.parametrize("security", ["starttls", "tls"])


class Place:
    """A server, and mailers to it."""

    def __init__(self, both: Both, server: Smtpd, certificates: Certificates) -> None:
        self.both = both
        self.server = server
        self.certificates = certificates

    def mailer(self, password: str = PASSWORD, **options: Any) -> AnyMailer:
        kind: Any = SmtpTlsTransport if self.server.security == "starttls" else SmtpSslTransport
        transport = kind(
            "localhost", self.server.port, username=USERNAME, password=password, tls=self.certificates.ca_file
        )
        return self.both.mailer(transport, default_from=USERNAME, **options)


@pytest.fixture(params=["starttls", "tls"])
def place(both: Both, smtpd: StartSmtpd, certificates: Certificates, request: pytest.FixtureRequest) -> Place:
    server = smtpd(security=request.param, username=USERNAME, password=PASSWORD, refused={REFUSED})
    return Place(both, server, certificates)


@pytest.fixture(autouse=True)
def no_secret_in_the_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Everything that is logged, at the lowest level, is free of passwords."""
    caplog.set_level(logging.DEBUG)
    yield
    records = [record for record in caplog.get_records("call") if record.name.partition(".")[0] == "smtpkit"]
    text = "\n".join(f"{record.getMessage()} {record.args} {record.exc_text}" for record in records)
    for secret in (PASSWORD, WRONG):
        assert secret not in text


def told(error: BaseException | None) -> str:
    """All that an error says, with its causes."""
    found: list[str] = []
    while error is not None:
        found += [str(error), repr(error), repr(vars(error)), *getattr(error, "__notes__", ())]
        error = error.__cause__ or error.__context__
    return "\n".join(found)


def failure(place: Place, mailer: AnyMailer, message: Message = MESSAGE) -> SmtpkitError:
    with pytest.raises(SmtpkitError) as caught:
        place.both.send(mailer, message)
    assert PASSWORD not in told(caught.value)
    assert WRONG not in told(caught.value)
    return caught.value


def test_plain(place: Place) -> None:
    receipt = place.both.send(place.mailer(), MESSAGE)
    assert receipt.ok
    reply = receipt.accepted["ann@example.com"].reply
    assert reply is not None
    assert (reply.code, reply.enhanced_code) == (250, "2.0.0")
    (mail,) = place.server.accepted
    assert (mail.mail_from, mail.rcpt_tos, mail.username) == (USERNAME, ("ann@example.com",), USERNAME)
    assert mail.encrypted
    assert mail.content.endswith(b"\r\n\r\nHi Ann\r\n.\r\n..two dots\r\n")
    assert receipt.message_id.encode() in mail.content
    assert mail.content == receipt.message.as_bytes()


def test_rich(place: Place, tmp_path: Any) -> None:
    (tmp_path / "Bericht März.pdf").write_bytes(PDF)
    message = (
        MESSAGE.subject("Zürich – 東京")
        .html('<p>Hi Ann <img src="cid:logo">')
        .attach(tmp_path / "Bericht März.pdf")
        .embed(PNG, cid="logo", filename="logo.png")
        .bcc("archive@example.com")
    )
    assert place.both.send(place.mailer(), message).ok
    (mail,) = place.server.accepted
    assert mail.rcpt_tos == ("ann@example.com", "archive@example.com")
    assert b"archive@example.com" not in mail.content
    found = message_from_bytes(mail.content, policy=policy.default)
    assert found["Subject"] == "Zürich – 東京"
    parts = {part.get_content_type(): part for part in found.walk()}
    assert {"text/plain", "text/html"} < set(parts)
    pdf, image = parts["application/pdf"], parts["image/png"]
    assert (pdf.get_filename(), pdf.get_content_disposition(), pdf.get_content()) == (
        "Bericht März.pdf",
        "attachment",
        PDF,
    )
    assert (image["Content-ID"], image.get_content_disposition(), image.get_content()) == ("<logo>", "inline", PNG)


@pytest.mark.parametrize("on_partial", ["return", "raise"])
def test_one_of_three_refused(place: Place, on_partial: Any) -> None:
    mailer = place.mailer(on_partial=on_partial)
    message = MESSAGE.to(REFUSED, "cid@example.com")
    if on_partial == "return":
        receipt = place.both.send(mailer, message)
    else:
        error = failure(place, mailer, message)
        assert isinstance(error, RecipientsRefused)
        assert error.receipt is not None
        receipt = error.receipt
    assert set(receipt.accepted) == {"ann@example.com", "cid@example.com"}
    reply = receipt.refused[REFUSED].reply
    assert reply is not None
    assert (reply.code, reply.enhanced_code, reply.temporary) == (550, "5.1.1", False)
    assert place.server.accepted[0].rcpt_tos == ("ann@example.com", "cid@example.com")
    assert place.both.send(mailer, MESSAGE).ok
    assert place.server.connections == 1


def test_all_refused(place: Place) -> None:
    mailer = place.mailer()
    error = failure(place, mailer, Message().to(REFUSED).text("Hi"))
    assert isinstance(error, RecipientsRefused)
    assert error.safe_to_retry
    assert place.both.send(mailer, MESSAGE).ok
    assert len(place.server.accepted) == place.server.connections == 1


def test_wrong_password(place: Place) -> None:
    limit = DailyLimit(5)
    error = failure(place, place.mailer(WRONG, limits=limit))
    assert isinstance(error, AuthenticationFailed)
    assert error.stage == "auth"
    assert error.reply is not None
    assert error.reply.code == 535
    assert not error.temporary
    assert error.receipt is not None
    assert set(error.receipt.not_sent) == {"ann@example.com"}
    assert USERNAME in str(error)
    assert place.server.accepted == []
    assert limit.used() == 0
    assert place.both.send(place.mailer(limits=limit), MESSAGE).ok


def test_wrong_password_in_a_batch(place: Place) -> None:
    receipts = list(place.both.send_many(place.mailer(WRONG), [MESSAGE, MESSAGE]))
    assert [type(receipt.error) for receipt in receipts] == [AuthenticationFailed] * 2


def test_the_preset_explains_a_wrong_password(place: Place) -> None:
    server = place.server
    security: Any = server.security
    provider = Provider(
        "test_provider",
        "Test Provider",
        (Endpoint("localhost", server.port, security),),
        username="address",
        password_kind="app-password",
        app_password_url="https://example.com/app-passwords",
    )
    providers.register(provider)
    try:
        for password in (WRONG, PASSWORD):
            mailer = place.both.keep(
                place.both.type.for_provider("Test-Provider", USERNAME, password, tls=place.certificates.ca_file)
            )
            if password == PASSWORD:
                assert place.both.send(mailer, MESSAGE).ok
                continue
            error = failure(place, mailer)
            assert isinstance(error, AuthenticationFailed)
            assert error.hint == provider.password_hint
            assert "https://example.com/app-passwords" in str(error)
    finally:
        providers.unregister("test_provider")


def test_daily_limit(place: Place) -> None:
    limit = DailyLimit(1)
    mailer = place.mailer(limits=limit)
    place.both.send(mailer, MESSAGE)
    error = failure(place, mailer)
    assert isinstance(error, DailyLimitExceeded)
    assert (error.limit, error.used, limit.remaining()) == (1, 1, 0)
    assert f"{USERNAME} at localhost has sent 1 of 1 messages a day" in str(error)
    assert len(place.server.accepted) == 1


BAD_CERTIFICATES: list[tuple[Any, type[TlsFailed]]] = [
    ("wrong-host", CertificateHostMismatch),
    ("expired", CertificateUntrusted),
    ("untrusted", CertificateUntrusted),
]


@SECURITIES
@pytest.mark.parametrize(("certificate", "kind"), BAD_CERTIFICATES)
def test_certificates(
    both: Both,
    smtpd: StartSmtpd,
    certificates: Certificates,
    security: Security,
    certificate: Any,
    kind: type[TlsFailed],
) -> None:
    server = smtpd(security=security, certificate=certificate, username=USERNAME, password=PASSWORD)
    place = Place(both, server, certificates)
    error = failure(place, place.mailer())
    assert isinstance(error, kind)
    assert error.stage == "tls"
    assert error.hint is not None
    assert f"localhost:{server.port}" in str(error)
    assert server.accepted == []


@SECURITIES
def test_a_context_of_ones_own(both: Both, smtpd: StartSmtpd, certificates: Certificates, security: Security) -> None:
    server = smtpd(security=security)
    kind: Any = SmtpTlsTransport if security == "starttls" else SmtpSslTransport
    mailer = both.mailer(kind("127.0.0.1", server.port, tls=certificates.client_context()), default_from=USERNAME)
    assert both.send(mailer, MESSAGE).ok


def test_no_starttls(both: Both, smtpd: StartSmtpd, certificates: Certificates) -> None:
    server = smtpd(security="plaintext", username=USERNAME, password=PASSWORD)
    transport = SmtpTlsTransport(
        "localhost", server.port, username=USERNAME, password=PASSWORD, tls=certificates.ca_file
    )
    error = failure(Place(both, server, certificates), both.mailer(transport, default_from=USERNAME))
    assert isinstance(error, StartTlsNotOffered)


def test_tls_to_a_port_without(both: Both, smtpd: StartSmtpd, certificates: Certificates) -> None:
    server = smtpd(security="starttls")
    transport = SmtpSslTransport("localhost", server.port, tls=certificates.ca_file)
    error = failure(Place(both, server, certificates), both.mailer(transport, default_from=USERNAME))
    assert isinstance(error, TlsFailed)
    assert "does not speak TLS from the first byte" in str(error)


def test_no_log_in_offered(both: Both, smtpd: StartSmtpd, certificates: Certificates) -> None:
    server = smtpd()
    place = Place(both, server, certificates)
    assert isinstance(failure(place, place.mailer()), NoCommonMechanism)


def test_nobody_listens(both: Both, smtpd: StartSmtpd, certificates: Certificates) -> None:
    server = smtpd()
    server.stop()
    place = Place(both, server, certificates)
    error = failure(place, place.mailer())
    assert isinstance(error, ConnectFailed)
    assert error.temporary
    assert error.safe_to_retry
    assert isinstance(error, ConnectionError)


def test_too_large(both: Both, smtpd: StartSmtpd, certificates: Certificates) -> None:
    server = smtpd(size=10_000, username=USERNAME, password=PASSWORD)
    place = Place(both, server, certificates)
    mailer = place.mailer()
    error = failure(place, mailer, MESSAGE.attach(PDF, filename="report.pdf"))
    assert isinstance(error, ContentRefused)
    assert "at most 10000" in str(error)
    assert both.send(mailer, MESSAGE).ok
    assert server.connections == 1


def test_from_url(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    scheme = "smtp" if place.server.security == "starttls" else "smtps"
    login = f"{USERNAME.replace('@', '%40')}:{PASSWORD.replace(' ', '%20')}"
    url = f"{scheme}://{login}@localhost:{place.server.port}?tls={place.certificates.ca_file}"
    monkeypatch.setenv("SMTP_URL", url)
    monkeypatch.setenv("SMTP_FROM", "Me <me@example.com>")
    mailer = place.both.keep(place.both.type.from_env())
    assert place.both.send(mailer, MESSAGE).ok
    assert b"From: Me <me@example.com>\r\n" in place.server.accepted[0].content


def test_many_at_once(smtpd: StartSmtpd, certificates: Certificates) -> None:
    server = smtpd(username=USERNAME, password=PASSWORD)

    async def scenario() -> list[bool]:
        transport = SmtpTlsTransport(
            "localhost", server.port, username=USERNAME, password=PASSWORD, tls=certificates.ca_file, connections=4
        )
        async with AsyncMailer(transport, default_from=USERNAME) as mailer:
            return [receipt.ok for receipt in await asyncio.gather(*(mailer.send(MESSAGE) for _ in range(40)))]

    assert all(asyncio.run(scenario()))
    assert len(server.accepted) == 40
    assert server.connections <= 4
