"""Log-in: the RFCs' own examples, which mechanism is chosen, and exchanges that go wrong."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pytest

from scripted import ALL, play
from smtpkit import errors
from smtpkit.envelope import Envelope
from smtpkit.mail import Mail
from smtpkit.message import Message
from smtpkit.secret import Secret
from smtpkit.smtp import sasl
from smtpkit.smtp.sasl import Login, mechanism_for, usable_mechanisms

if TYPE_CHECKING:
    from scripted import Way
    from smtpkit.receipt import Receipt
    from smtpkit.runtime.base import Runtime
    from smtpkit.transports.smtp import SmtpTransport

SECRETS = ("pa55word", "t0ken")


# -- mechanisms by themselves ------------------------------------------------------


def test_cram_md5_of_rfc_2195() -> None:
    mechanism = mechanism_for("CRAM-MD5", Login("tim", Secret("tanstaaftanstaaf"), "", 0))
    assert mechanism.initial() is None
    challenge = b"<1896.697170952@postoffice.reston.mci.net>"
    assert mechanism.answer(challenge) == b"tim b913a602c7eda7a495b4e6e7334d3890"


SERVER_FIRST = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
SERVER_FINAL = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


@pytest.fixture
def fixed_nonce(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sasl, "nonce", lambda: "rOprNGfwEbeRWgbNEkqO")


@pytest.mark.usefixtures("fixed_nonce")
def test_scram_sha_256_of_rfc_7677() -> None:
    mechanism = mechanism_for("SCRAM-SHA-256", Login("user", Secret("pencil"), "", 0))
    assert mechanism.initial() == b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    assert mechanism.answer(SERVER_FIRST) == (
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    )
    assert mechanism.answer(SERVER_FINAL) == b""
    mechanism.verify()


@pytest.mark.usefixtures("fixed_nonce")
@pytest.mark.parametrize(
    "challenge",
    [
        b"",
        b"\xff",
        b"garbage",
        SERVER_FIRST.replace(b"r=rOpr", b"r=xOpr"),
        b"r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        SERVER_FIRST.replace(b"s=W22", b"s=!!!"),
        b"r=rOprNGfwEbeRWgbNEkqOx,s=,i=4096",
        b"m=ext," + SERVER_FIRST,
        *(SERVER_FIRST.replace(b"4096", count) for count in (b"", b"0", b"1", b"-1", b"many", b"9999999", b"1" * 5000)),
    ],
)
def test_scram_challenges_that_are_not_answered(challenge: bytes) -> None:
    mechanism = mechanism_for("SCRAM-SHA-256", Login("user", Secret("pencil"), "", 0))
    mechanism.initial()
    with pytest.raises(errors.ProtocolError) as caught:
        mechanism.answer(challenge)
    assert caught.value.stage == "auth"


@pytest.mark.usefixtures("fixed_nonce")
@pytest.mark.parametrize("final", [b"", b"v=", b"v=AAAA", b"v=\xc3\xa9", b"v=!"])
def test_scram_wants_the_servers_proof(final: bytes) -> None:
    mechanism = mechanism_for("SCRAM-SHA-256", Login("user", Secret("pencil"), "", 0))
    mechanism.initial()
    mechanism.answer(SERVER_FIRST)
    with pytest.raises(errors.ProtocolError):
        mechanism.answer(final)
    with pytest.raises(errors.ProtocolError, match="without proving"):
        mechanism.verify()


def test_scram_and_oauth_escape_the_name() -> None:
    assert b"n=a=3Db=2Cc," in (mechanism_for("SCRAM-SHA-256", Login("a=b,c", Secret("x"), "", 0)).initial() or b"")
    bearer = mechanism_for("OAUTHBEARER", Login("a=b,c", Secret("t"), "h.test", 587)).initial()
    assert bearer == b"n,a=a=3Db=2Cc,\1host=h.test\1port=587\1auth=Bearer t\1\1"


def test_a_login_does_not_show_its_secret() -> None:
    assert "pa55word" not in repr(Login("ann", Secret("pa55word"), "h.test", 587))


ALL_OFFERED = ("LOGIN", "CRAM-MD5", "XOAUTH2", "SCRAM-SHA-256", "PLAIN", "OAUTHBEARER", "GSSAPI")


@pytest.mark.parametrize(
    ("offered", "token", "encrypted", "wanted", "expected"),
    [
        # PLAIN first over TLS; with it there, LOGIN and CRAM-MD5 are not used.
        (ALL_OFFERED, False, True, None, ["PLAIN", "SCRAM-SHA-256"]),
        (("LOGIN", "PLAIN"), False, True, None, ["PLAIN"]),
        (("CRAM-MD5", "LOGIN"), False, True, None, ["LOGIN", "CRAM-MD5"]),
        # Without TLS, those that do not send the password come first.
        (ALL_OFFERED, False, False, None, ["SCRAM-SHA-256", "CRAM-MD5", "PLAIN", "LOGIN"]),
        # A token goes with the mechanisms for tokens, a password with the others.
        (ALL_OFFERED, True, True, None, ["XOAUTH2", "OAUTHBEARER"]),
        (("PLAIN", "LOGIN"), True, True, None, []),
        (("XOAUTH2",), False, True, None, []),
        (("XOAUTH2", "PLAIN"), False, True, ("XOAUTH2", "PLAIN"), ["PLAIN"]),
        (("XOAUTH2", "PLAIN"), True, True, ("PLAIN",), []),
        # mechanisms= restricts and orders; nothing that is not offered is tried.
        (ALL_OFFERED, False, True, ("LOGIN",), ["LOGIN"]),
        (ALL_OFFERED, False, True, ("CRAM-MD5", "PLAIN"), ["CRAM-MD5", "PLAIN"]),
        (ALL_OFFERED, True, True, ("OAUTHBEARER", "XOAUTH2"), ["OAUTHBEARER", "XOAUTH2"]),
        (("PLAIN",), False, True, ("LOGIN",), []),
        (("PLAIN",), False, True, (), []),
        ((), False, True, None, []),
        (("GSSAPI", "NTLM"), False, True, None, []),
    ],
)
def test_which_mechanisms_are_tried(
    offered: tuple[str, ...], token: bool, encrypted: bool, wanted: tuple[str, ...] | None, expected: list[str]
) -> None:
    assert usable_mechanisms(offered, token=token, encrypted=encrypted, wanted=wanted) == expected


# -- in conversation ---------------------------------------------------------------


def b64(text: str | bytes) -> str:
    return b64encode(text.encode() if isinstance(text, str) else text).decode()


def hello(mechanisms: str) -> str:
    return f"S: 220 mail.test\nC: EHLO me.test\nS: 250-mail.test\nS: 250 {mechanisms}\n"


MAIL = "C: MAIL FROM:<a@a.test>\nS: 250 ok\nC: RCPT TO:<b@b.test>\nS: 250 ok\nC: DATA\nS: 354 go\ncontent\nS: 250 ok\n"
PLAIN = "C: AUTH PLAIN " + b64("\0ann\0pa55word")
XOAUTH2 = "C: AUTH XOAUTH2 " + b64("user=ann\1auth=Bearer t0ken\1\1")
LOGIN = f"""{hello("AUTH LOGIN")}
C: AUTH LOGIN
S: 334 {b64("Username:")}
C: {b64("ann")}
S: 334
C: {b64("pa55word")}
"""
CRAM_MD5 = f"""{hello("AUTH CRAM-MD5")}
C: AUTH CRAM-MD5
S: 334 {b64("<1896.697170952@postoffice.reston.mci.net>")}
C: {b64("tim b913a602c7eda7a495b4e6e7334d3890")}
"""
BEARER = "C~ AUTH OAUTHBEARER .*"
DENIED = b64('{"status":"invalid_token"}')


def sent(transcript: str, way: Way, **options: Any) -> Receipt:
    async def one(transport: SmtpTransport, runtime: Runtime) -> Receipt:
        mail = Mail(Message().from_("a@a.test").text("Hi"), Envelope("a@a.test", ["b@b.test"]))
        return await transport.send(mail, runtime)

    options = {"username": "ann", **({} if "token" in options else {"password": "pa55word"}), **options}
    receipt = play(transcript, way, one, **options)
    for secret in SECRETS:
        assert secret not in f"{receipt.error} {receipt.error!r} {receipt.error.__cause__!r}" if receipt.error else True
    return receipt


TOKEN = {"token": "t0ken"}
BOTH = {"mechanisms": ["PLAIN", "SCRAM-SHA-256"]}
TWO = f"{hello('AUTH PLAIN SCRAM-SHA-256')}{PLAIN}"


@pytest.mark.usefixtures("fixed_nonce")
@pytest.mark.parametrize("way", ALL, ids="-".join)
def test_scram_takes_a_name_in_its_normal_form(way: Way) -> None:
    """RFC 4013 §2.2: NFKC."""
    first = b64("n,,n=J\u00f6rg,r=rOprNGfwEbeRWgbNEkqO")
    script = f"{hello('AUTH SCRAM-SHA-256')}C: AUTH SCRAM-SHA-256 {first}\nS: 535 5.7.8 no"
    assert isinstance(sent(script, way, username="Jo\u0308rg").error, errors.AuthenticationFailed)


@pytest.mark.parametrize("way", ALL, ids="-".join)
@pytest.mark.parametrize(
    ("exchange", "options"),
    [
        (f"{hello('AUTH PLAIN LOGIN')}{PLAIN}\nS: 235 2.7.0 welcome", {"mechanisms": ["plain"]}),
        (f"{LOGIN}S: 235 ok", {}),
        (f"{LOGIN.replace('334 ' + b64('Username:'), '334 name?')}S: 235 ok", {}),
        (f"{CRAM_MD5}S: 235 ok", {"username": "tim", "password": "tanstaaftanstaaf", "mechanisms": ["CRAM-MD5"]}),
        (f"{hello('AUTH PLAIN XOAUTH2')}{XOAUTH2}\nS: 235 ok", TOKEN),
        (f"{hello('AUTH XOAUTH2')}{XOAUTH2}\nS: 235 ok", {"token": lambda: "t0ken"}),
        # After 504 and 534, which are about the mechanism, another one is tried.
        (f"{hello('AUTH XOAUTH2 OAUTHBEARER')}{XOAUTH2}\nS: 504 5.5.4 not this\n{BEARER}\nS: 235 ok", TOKEN),
        (f"{hello('AUTH XOAUTH2 OAUTHBEARER')}{XOAUTH2}\nS: 534 5.7.9 too weak\n{BEARER}\nS: 235 ok", TOKEN),
    ],
)
def test_logged_in(way: Way, exchange: str, options: dict[str, Any]) -> None:
    assert sent(f"{exchange}\n{MAIL}", way, **options).ok


@pytest.mark.usefixtures("fixed_nonce")
@pytest.mark.parametrize("way", ALL, ids="-".join)
@pytest.mark.parametrize(
    ("end", "error"),
    [
        (f"S: 334 {b64(SERVER_FINAL)}\nC: \nS: 235 ok\n{MAIL}", None),
        (f"S: 334 {b64('v=AAAA')}\nrest", errors.ProtocolError),
        ("S: 235 ok\nrest", errors.ProtocolError),
        (f"S: 334 {b64('e=invalid-proof')}\nC: \nS: 535 5.7.8 no", errors.AuthenticationFailed),
        (f"S: 334 {b64('e=invalid-proof')}\nC: \nS: 235 ok\nrest", errors.ProtocolError),
        ("S: 535 5.7.8 no", errors.AuthenticationFailed),
    ],
)
def test_scram_in_conversation(way: Way, end: str, error: type[errors.SmtpkitError] | None) -> None:
    exchange = (
        f"{hello('AUTH SCRAM-SHA-256')}C: AUTH SCRAM-SHA-256 {b64('n,,n=user,r=rOprNGfwEbeRWgbNEkqO')}\n"
        f"S: 334 {b64(SERVER_FIRST)}\nC~ [A-Za-z0-9+/=]+\n{end}"
    )
    receipt = sent(exchange, way, username="user", password="pencil")
    assert type(receipt.error) is (error or type(None)), receipt.error
    assert receipt.error is None or receipt.error.stage == "auth"


def responded(mechanism: str, username: str, secret: str) -> str:
    """The initial response, in base64."""
    initial = mechanism_for(mechanism, Login(username, Secret(secret), "localhost", 25)).initial()
    assert initial is not None
    return b64(initial)


def secret_for(mechanism: str, octets: int) -> str:
    """A secret with which AUTH and the initial response have just so many octets, CRLF included, or up to 3 fewer."""
    length = next(
        n for n in range(octets) if len(f"AUTH {mechanism} {responded(mechanism, 'ann', 'x' * n)}") > octets - 2
    )
    return "x" * (length - 1)


LONG = [(mechanism, octets) for mechanism in ("PLAIN", "XOAUTH2", "OAUTHBEARER") for octets in (512, 516, 2500, 12288)]


@pytest.mark.parametrize("way", [way for way in ALL if way.kind == "simulated"], ids="-".join)
@pytest.mark.parametrize(("mechanism", "octets"), LONG)
@pytest.mark.parametrize("accepted", [True, False])
def test_an_initial_response_too_long_for_its_line(way: Way, mechanism: str, octets: int, accepted: bool) -> None:
    """It answers an empty challenge instead (RFC 4954 §4), in one line, and an error is heard as ever."""
    secret = secret_for(mechanism, octets)
    response = responded(mechanism, "ann", secret)
    begin = f"C: AUTH {mechanism} {response}" if octets == 512 else f"C: AUTH {mechanism}\nS: 334 \nC: {response}"
    bearer = mechanism != "PLAIN"
    denied = f"S: 334 {DENIED}\nC: {'AQ==' if mechanism == 'OAUTHBEARER' else ''}\n" if bearer else ""
    end = f"S: 235 ok\n{MAIL}" if accepted else f"{denied}S: 535 5.7.8 no"
    login: dict[str, Any] = {"token": secret} if bearer else {"password": secret}
    receipt = sent(f"{hello(f'AUTH {mechanism}')}{begin}\n{end}", way, **{"password": None, **login})
    assert receipt.ok is accepted, receipt.error
    if not accepted:
        assert type(receipt.error) is errors.AuthenticationFailed
        assert ("invalid_token" in str(receipt.error)) is bearer
        assert secret not in str(receipt.error)


def test_a_long_challenge() -> None:
    """Of 12288 octets with its line end, which RFC 4954 §4 calls sufficient."""
    challenge = b64("x" * 9210)
    answer = b64(mechanism_for("CRAM-MD5", Login("ann", Secret("pa55word"), "", 0)).answer(b"x" * 9210))
    exchange = f"{hello('AUTH CRAM-MD5')}C: AUTH CRAM-MD5\nS: 334 {challenge}\nC: {answer}\nS: 235 ok\n{MAIL}"
    assert sent(exchange, ALL[0]).ok


ENDLESS = "".join(f"S: 334 {b64('again')}\nC: \n" for _ in range(8))


@pytest.mark.parametrize("way", ALL, ids="-".join)
@pytest.mark.parametrize(
    ("exchange", "options", "error", "code", "temporary", "text"),
    [
        # After 535 nothing more is tried: every try counts towards a lock-out.
        (f"{TWO}\nS: 535 5.7.8 no", BOTH, errors.AuthenticationFailed, 535, False, "ann"),
        (f"{TWO}\nS: 454 4.7.0 later", BOTH, errors.AuthenticationFailed, 454, True, ""),
        (f"{hello('AUTH PLAIN')}{PLAIN}\nS: 504 5.5.4 not this", {}, errors.AuthenticationFailed, 504, False, "PLAIN"),
        (f"{hello('AUTH PLAIN')}{PLAIN}\nS: 421 4.7.0 bye", {}, errors.ServiceUnavailable, 421, True, ""),
        (f"{hello('AUTH PLAIN')}{PLAIN}\nclose", {}, errors.ConnectionLost, None, True, ""),
        (f"{hello('AUTH PLAIN')}{PLAIN}\nS: 250 fine", {}, errors.ProtocolError, 250, False, ""),
        (f"{hello('AUTH PLAIN')}{PLAIN}\nS: 354 go on", {}, errors.ProtocolError, 354, False, ""),
        (f"{hello('AUTH PLAIN')}{PLAIN}\n{ENDLESS}S: 334 again", {}, errors.ProtocolError, 334, False, "to an end"),
        (f"{LOGIN}S: 334 c", {}, errors.ProtocolError, None, False, "more than"),
        # The reason stands in the challenge, which must be answered for the 535 to come.
        (f"{hello('AUTH XOAUTH2')}{XOAUTH2}\nS: 334 {DENIED}\nC: \nS: 535 5.7.8 no", TOKEN,
         errors.AuthenticationFailed, 535, False, "invalid_token"),
        (f"{hello('AUTH OAUTHBEARER')}{BEARER}\nS: 334 {DENIED}\nC: AQ==\nS: 535 5.7.8 no", TOKEN,
         errors.AuthenticationFailed, 535, False, "invalid_token"),
        (hello("AUTH PLAIN LOGIN"), TOKEN, errors.NoCommonMechanism, None, False, "PLAIN, LOGIN"),
        (hello("AUTH XOAUTH2"), {}, errors.NoCommonMechanism, None, False, "token"),
        (hello("AUTH XOAUTH2 PLAIN"), {"mechanisms": ["XOAUTH2"]}, errors.NoCommonMechanism, None, False, "XOAUTH2"),
        (hello("AUTH GSSAPI"), {}, errors.NoCommonMechanism, None, False, "GSSAPI"),
        (hello("AUTH"), {}, errors.NoCommonMechanism, None, False, "none"),
        (hello("PIPELINING"), {}, errors.NoCommonMechanism, None, False, "does not offer log-in"),
        (hello("AUTH PLAIN"), {"mechanisms": ["LOGIN"]}, errors.NoCommonMechanism, None, False, "Only LOGIN"),
    ],
)  # fmt: skip
def test_not_logged_in(
    way: Way, exchange: str, options: dict[str, Any], error: type[errors.SmtpkitError], code: int | None,
    temporary: bool, text: str,
) -> None:  # fmt: skip
    receipt = sent(exchange, way, **options)
    caught = receipt.error
    assert caught is not None
    assert type(caught) is error, caught
    assert set(receipt.not_sent) == {"b@b.test"}
    assert (caught.stage, caught.reply and caught.reply.code, caught.temporary) == ("auth", code, temporary)
    assert text in str(caught)


def _no_token() -> str:
    raise OSError("no token for you")


def _expired() -> str:
    raise errors.InvalidConfiguration("log in again")


@pytest.mark.parametrize("way", ALL, ids="-".join)
@pytest.mark.parametrize(
    ("source", "error", "text"),
    [
        (_no_token, errors.AuthenticationFailed, "no token for you"),
        (_expired, errors.InvalidConfiguration, "log in again"),
        (lambda: None, errors.AuthenticationFailed, "no access token"),
    ],
)
def test_where_the_token_comes_from_fails(way: Way, source: Any, error: type[errors.SmtpkitError], text: str) -> None:
    receipt = sent(hello("AUTH XOAUTH2"), way, token=source)
    assert type(receipt.error) is error
    assert text in str(receipt.error)


@pytest.mark.parametrize("way", ALL, ids="-".join)
def test_an_async_source_of_tokens(way: Way) -> None:
    async def token() -> str:
        return "t0ken"

    assert sent(f"{hello('AUTH XOAUTH2')}{XOAUTH2}\nS: 235 ok\n{MAIL}", way, token=token).ok


def test_the_log_has_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "smtpkit")
    exchange = f"{hello('AUTH PLAIN')}{PLAIN}\nS: 235 ok\n{MAIL}"
    assert sent(exchange, ALL[0]).ok
    text = caplog.text
    assert "MAIL FROM" in text
    assert "pa55word" not in text
    assert PLAIN.rpartition(" ")[2] not in text
