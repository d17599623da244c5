"""What MAIL and RCPT ask for beyond the addresses: DSN (RFC 3461) and REQUIRETLS (RFC 8689)."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import pytest

from scripted import ALL, play
from smtpkit import DsnRequest, Envelope, Mail, Message, RecipientDsn, RequireTlsUnsupported

if TYPE_CHECKING:
    from scripted import Way
    from servers.certificates import Certificates
    from smtpkit.receipt import Receipt
    from smtpkit.runtime.base import Runtime
    from smtpkit.smtp.server import Security
    from smtpkit.transports.smtp import SmtpTransport

each_way = pytest.mark.parametrize("way", ALL, ids="-".join)

MESSAGE = Message().from_("ann@a.test").to("bob@b.test", "cid@b.test").text("Hi")
CONTENT = """
C: DATA
S: 354 go on
content
S: 250 2.0.0 ok
"""


def hello(*extensions: str) -> str:
    """From the greeting to the end of EHLO."""
    offered = "".join(f"S: 250-{extension}\n" for extension in extensions)
    return f"S: 220 mail.test\nC: EHLO me.test\nS: 250-mail.test\n{offered}S: 250 HELP\n"


def mail(sender: str, bob: str, cid: str) -> str:
    """The commands with these parameters."""
    return f"""
    C: MAIL FROM:<ann@a.test>{sender}
    S: 250 ok
    C: RCPT TO:<bob@b.test>{bob}
    S: 250 ok
    C: RCPT TO:<cid@b.test>{cid}
    S: 250 ok
    {CONTENT}"""


def send(transcript: str, way: Way, message: Message, envelope: Envelope | None = None, **options: Any) -> Receipt:
    async def one(transport: SmtpTransport, runtime: Runtime) -> Receipt:
        return await transport.send(Mail(message, envelope), runtime)

    return play(transcript, way, one, **options)


# -- DSN -------------------------------------------------------------------------

REQUESTS: list[tuple[Message, tuple[str, str, str]]] = [
    (MESSAGE, ("", "", "")),
    (MESSAGE.dsn("success"), ("", " NOTIFY=SUCCESS", " NOTIFY=SUCCESS")),
    (MESSAGE.dsn("never"), ("", " NOTIFY=NEVER", " NOTIFY=NEVER")),
    (MESSAGE.dsn(ret="full"), (" RET=FULL", "", "")),
    (
        MESSAGE.dsn("delay", "failure", ret="headers", envelope_id="order 17"),
        (" RET=HDRS ENVID=order+2017", " NOTIFY=FAILURE,DELAY", " NOTIFY=FAILURE,DELAY"),
    ),
    (MESSAGE.dsn(envelope_id="a+b=c RET=FULL"), (" ENVID=a+2Bb+3Dc+20RET+3DFULL", "", "")),
    (MESSAGE.dsn("never", recipient="cid@b.test"), ("", "", " NOTIFY=NEVER")),
    (
        MESSAGE.dsn("failure").dsn("never", recipient="cid@b.test", original_recipient="c+d@b.test"),
        ("", " NOTIFY=FAILURE", " NOTIFY=NEVER ORCPT=rfc822;c+2Bd@b.test"),
    ),
    (
        MESSAGE.dsn("failure").dsn(recipient="cid@b.test", original_recipient="x400;/C=US/ NOTIFY=NEVER"),
        ("", " NOTIFY=FAILURE", " NOTIFY=FAILURE ORCPT=x400;/C+3DUS/+20NOTIFY+3DNEVER"),
    ),
    (MESSAGE.dsn("never", recipient="eve@b.test"), ("", "", "")),
]


@pytest.mark.parametrize(("message", "parameters"), REQUESTS)
def test_a_server_with_dsn_is_asked(message: Message, parameters: tuple[str, str, str]) -> None:
    receipt = send(hello("DSN") + mail(*parameters), ALL[0], message)
    assert (receipt.ok, receipt.notes) == (True, ())


@each_way
def test_in_every_way(way: Way) -> None:
    message, parameters = REQUESTS[4]
    assert send(hello("DSN") + mail(*parameters), way, message).ok


def test_an_envelope_may_ask() -> None:
    envelope = Envelope(
        "ann@a.test",
        ["bob@b.test", "cid@b.test"],
        DsnRequest("success", recipients=[RecipientDsn("cid@b.test", "never")]),
    )
    assert send(hello("DSN") + mail("", " NOTIFY=SUCCESS", " NOTIFY=NEVER"), ALL[0], MESSAGE, envelope).ok


@each_way
def test_a_server_without_dsn_is_not_asked_and_the_receipt_says_so(way: Way) -> None:
    receipt = send(hello() + mail("", "", ""), way, MESSAGE.dsn("success", envelope_id="1"))
    assert receipt.ok
    note = "localhost does not offer DSN (RFC 3461): the request for notifications was left out"
    assert receipt.notes == (note,)
    assert str(receipt).splitlines()[-1] == f"  note: {note}"
    assert send(hello() + mail("", "", ""), way, MESSAGE).notes == ()


# -- REQUIRETLS ------------------------------------------------------------------

STARTTLS = "C: STARTTLS\nS: 220 go\ntls\n"
AGAIN = "C: EHLO me.test\nS: 250-mail.test\nS: 250 "


@each_way
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_tls_on_the_whole_way(way: Way, security: Security, certificates: Certificates) -> None:
    begin = {"starttls": hello("STARTTLS") + STARTTLS + AGAIN + "REQUIRETLS\n", "tls": "tls\n" + hello("REQUIRETLS")}
    transcript = begin[security] + mail(" REQUIRETLS", "", "")
    receipt = send(transcript, way, MESSAGE.require_tls(), security=security, certificates=certificates)
    assert receipt.ok, receipt.error


@each_way
def test_it_is_not_said_unless_required(way: Way, certificates: Certificates) -> None:
    transcript = "tls\n" + hello("REQUIRETLS") + mail("", "", "")
    assert send(transcript, way, MESSAGE, security="tls", certificates=certificates).ok


def unverified(kind: str, certificates: Certificates) -> ssl.SSLContext:
    context = certificates.client_context()
    context.check_hostname = False
    if kind == "no certificate":
        context.verify_mode = ssl.CERT_NONE
    return context


@each_way
@pytest.mark.filterwarnings("ignore::smtpkit.InsecureTlsWarning")
@pytest.mark.parametrize(
    ("security", "transcript", "what"),
    [
        ("plaintext", hello("REQUIRETLS"), "none that is verified"),
        ("no host name", "tls\n" + hello("REQUIRETLS"), "none that is verified"),
        ("no certificate", "tls\n" + hello("REQUIRETLS"), "none that is verified"),
        ("tls", "tls\n" + hello("SIZE"), "localhost does not offer REQUIRETLS"),
        ("starttls", hello("REQUIRETLS", "STARTTLS") + STARTTLS + AGAIN + "SIZE\n", "does not offer REQUIRETLS"),
    ],
)
def test_not_sent_where_tls_is_not_sure(
    way: Way, security: Any, transcript: str, what: str, certificates: Certificates
) -> None:
    options: dict[str, Any] = {"security": security, "certificates": certificates}
    if security.startswith("no "):
        options = {**options, "security": "tls", "tls": unverified(security, certificates)}
    receipt = send(transcript, way, MESSAGE.dsn("success").require_tls(), **options)
    assert set(receipt.not_sent) == {"bob@b.test", "cid@b.test"}
    error = receipt.error
    assert isinstance(error, RequireTlsUnsupported)
    assert what in error.message
    assert error.hint
    assert (error.stage, error.temporary, error.reply, error.safe_to_retry) == ("mail", False, None, True)


def test_the_connection_goes_on_after_a_mail_that_was_not_sent() -> None:
    async def two(transport: SmtpTransport, runtime: Runtime) -> tuple[Receipt, Receipt]:
        return await transport.send(Mail(MESSAGE.require_tls()), runtime), await transport.send(Mail(MESSAGE), runtime)

    first, second = play(hello() + mail("", "", ""), ALL[0], two)
    assert set(first.not_sent) == {"bob@b.test", "cid@b.test"}
    assert second.ok
