"""What ``check`` says of servers on loopback that are right, and wrong in each way; and that it sends nothing."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from scripted import Player, simulated, steps
from servers.answering import answering
from servers.wiretap import Wiretap
from smtpkit import (
    DailyLimit,
    FailoverTransport,
    FakeTransport,
    InvalidAddress,
    Message,
    PlaintextSmtpTransport,
    Provider,
    SmtpSslTransport,
    SmtpTlsTransport,
    Timeouts,
    Tls,
)
from smtpkit.diagnose.conversation import Conversation
from smtpkit.runtime.driver import run
from smtpkit.smtp.server import Server
from zone import Zone

if TYPE_CHECKING:
    from both import AnyMailer, Both
    from servers.certificates import Certificates
    from servers.smtpd import Smtpd, StartSmtpd
    from smtpkit.diagnose import Report

pytest_plugins = ("both",)

USERNAME, PASSWORD = "me@example.com", "correct horse battery"
GOOD = {
    "MX example.com": ("10 mx.example.com.",),
    "TXT example.com": ("v=spf1 include:_spf.example.net -all", "something else"),
    "TXT _spf.example.net": ("v=spf1 ip4:192.0.2.0/24 -all",),
    "TXT _dmarc.example.com": ("v=DMARC1; p=reject",),
    "TXT mail._domainkey.example.com": ("v=DKIM1; k=rsa; p=MIGf",),
}
NAMES = [
    *("resolve", "connect", "greeting", "tls", "ehlo", "login", "sender", "recipient"),
    *("limit", "alignment", "mx", "spf", "dkim", "dmarc"),
]


def mailer(both: Both, server: Smtpd, certificates: Certificates, *, security: str = "", **options: Any) -> AnyMailer:
    """A mailer that logs in; ``security`` if it is not the server's."""
    kind = SmtpTlsTransport if (security or server.security) == "starttls" else SmtpSslTransport
    of_mailer = {name: options.pop(name) for name in ("limits", "provider", "default_from") if name in options}
    for name, usual in (
        ("username", USERNAME),
        ("password", PASSWORD),
        ("tls", certificates.ca_file),
        ("timeouts", Timeouts(greeting=0.3)),
    ):
        options.setdefault(name, usual)
    return both.mailer(kind(server.host, server.port, **options), **of_mailer)


def check(both: Both, mailer: AnyMailer, **options: Any) -> Report:
    return both.check(mailer, **{"resolver": Zone(GOOD), "timeout": 10, **options})


def statuses(report: Report) -> dict[str, str]:
    return {step.name: step.status for step in report.steps}


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_all_is_well(both: Both, smtpd: StartSmtpd, certificates: Certificates, security: Any) -> None:
    server = smtpd(security=security, username=USERNAME, password=PASSWORD, size=35_000_000)
    limit = DailyLimit(500)
    report = check(both, mailer(both, server, certificates, limits=limit), dkim_selector="mail")
    assert sorted(statuses(report)) == sorted(NAMES)
    assert set(statuses(report).values()) == {"ok"}
    assert report.ok
    assert report.exit_code == 0
    assert server.accepted == []
    assert limit.remaining() == 500
    texts = {step.name: step.text for step in report.steps}
    assert "127.0.0.1" in texts["connect"]
    assert re.search(r"TLSv1\.[23]; certificate for .*, issued by .*trustme.*, valid until \d{4}-", texts["tls"])
    assert "mails up to 35 MB" in texts["ehlo"]
    assert "log-in by LOGIN, PLAIN" in texts["ehlo"]
    assert texts["login"] == f"logged in as {USERNAME}"
    assert texts["limit"] == "500 of 500 messages are left (rolling-24h)"
    assert PASSWORD not in report.as_json() + str(report) + repr(report)


class Case(NamedTuple):
    """A server that is not right, and what is said of it."""

    name: str
    step: str
    text: str
    hint: str
    server: dict[str, Any]
    options: dict[str, Any]
    after: tuple[str, ...] = ()
    """Steps that could not be looked at."""


END = ("login", "sender", "recipient")
LOGIN = {"username": USERNAME, "password": PASSWORD}
GMAIL = Provider(
    "gmail", "Gmail", (), kind="mailbox", password_kind="app-password", app_password_url="https://x.test/p"
)
CASES = [
    Case("wrong password", "login", "refused the log-in of me@example.com", "app password", LOGIN,
         {"password": "wrong"}, ("sender", "recipient")),
    Case("wrong password at a provider", "login", "535", "https://x.test/p", LOGIN,
         {"password": "wrong", "provider": GMAIL}, ("sender", "recipient")),
    Case("TLS to a port for STARTTLS", "tls", "does not speak TLS from the first byte", "port 587 wants STARTTLS",
         LOGIN, {"security": "tls"}, ("greeting", "ehlo", *END)),
    Case("STARTTLS to a port for TLS", "greeting", "did not answer in time", "wants TLS from the first byte",
         {**LOGIN, "security": "tls"}, {"security": "starttls"}, ("tls", "ehlo", *END)),
    Case("no STARTTLS", "tls", "does not offer STARTTLS", "TLS port", {"security": "plaintext"},
         {"security": "starttls"}, ("ehlo", *END)),
    Case("expired", "tls", "certificate has expired", "clock of this machine", {**LOGIN, "certificate": "expired"},
         {}, ("ehlo", *END)),
    Case("not yet valid", "tls", "certificate is not yet valid", "clock of this machine says 20",
         {**LOGIN, "certificate": "not-yet-valid"}, {}, ("ehlo", *END)),
    Case("self-signed", "tls", "self-signed certificate", "tls=Tls(fingerprints=[...])",
         {**LOGIN, "certificate": "self-signed"}, {}, ("ehlo", *END)),
    Case("intercepted", "tls", "cannot be trusted", "a proxy of your company", {**LOGIN, "certificate": "untrusted"},
         {"provider": GMAIL}, ("ehlo", *END)),
    Case("another host", "tls", "is for another host", "Connect to the name", {**LOGIN, "certificate": "wrong-host"},
         {}, ("ehlo", *END)),
    Case("no log-in offered", "login", "does not offer log-in here", "another port", {}, {}, ("sender", "recipient")),
    Case("no such file", "tls", "cannot read CA certificates", "PEM", LOGIN, {"tls": "no/such/file.pem"},
         ("resolve", "connect", "greeting", "ehlo", *END)),
    Case("recipient refused", "recipient", "550 5.1.1 <me@example.com>: no such mailbox", "does not exist",
         {**LOGIN, "refused": (USERNAME,)}, {}),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_server_that_is_not_right(both: Both, smtpd: StartSmtpd, certificates: Certificates, case: Case) -> None:
    server = smtpd(**case.server)
    report = check(both, mailer(both, server, certificates, **case.options))
    assert not report.ok
    assert report.exit_code == 1
    [failed] = report.failed
    assert failed.name == case.step
    assert case.text in failed.text
    assert case.hint in (failed.hint or "")
    assert failed.subject == f"localhost:{server.port}"
    assert tuple(step.name for step in report.steps if step.text == "not reached") == case.after
    assert server.accepted == []
    assert PASSWORD not in report.as_json() + str(report)


def test_a_port_that_nobody_listens_at(both: Both, smtpd: StartSmtpd, certificates: Certificates) -> None:
    server = smtpd()
    server.stop()
    report = check(both, mailer(both, server, certificates))
    assert [(step.name, step.hint) for step in report.failed] == [
        ("connect", "Is the server running, and is the port right? Mostly 587 (STARTTLS), 465 (TLS) or 25.")
    ]
    assert statuses(report)["resolve"] == "ok"


ANSWERS: list[tuple[str, dict[str, str], str | None, list[str]]] = [
    ("a good server", {}, None, ["EHLO", "MAIL", "RCPT", "RSET", "QUIT"]),
    ("sender refused", {"MAIL": "553 5.7.1 <me@example.com>: Sender address rejected: not owned by user x"}, "sender",
     ["EHLO", "MAIL", "QUIT"]),
    ("recipient refused", {"RCPT": "550 5.1.1 unknown"}, "recipient", ["EHLO", "MAIL", "RCPT", "RSET", "QUIT"]),
    ("closing", {"MAIL": "421 4.7.0 Too many connections"}, "sender", ["EHLO", "MAIL"]),
    ("greylisting", {"RCPT": "450 4.2.0 Greylisted, come back in 00:05:00"}, "recipient",
     ["EHLO", "MAIL", "RCPT", "RSET", "QUIT"]),
]  # fmt: skip


@pytest.mark.parametrize(("answers", "failed", "verbs"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS])
def test_the_transaction_is_taken_back(
    both: Both, answers: dict[str, str], failed: str | None, verbs: list[str]
) -> None:
    heard: list[str] = []
    with Wiretap(answering(answers, heard)) as server:
        report = check(both, both.mailer(PlaintextSmtpTransport("127.0.0.1", server.port)), sender=USERNAME)
    assert [line.partition(" ")[0] for line in heard] == verbs
    assert [step.name for step in report.failed] == ([failed] if failed else [])
    assert all(step.hint for step in report.failed)
    assert statuses(report)["tls"] == "ok"


def test_plaintext_to_another_machine() -> None:
    script = "S: 220 mail.test\nC: EHLO me.test\nS: 250-mail.test\nS: 250 SMTPUTF8"
    runtime = simulated([Player(each) for each in steps(script)])
    server = Server("mail.example.com", 25, "plaintext", local_hostname="me.test")
    conversation = Conversation(server, None, runtime, 60)
    run(conversation.hold(None, None))
    [warning] = [step for step in conversation.steps if step.status == "warning"]
    assert (warning.name, warning.text) == ("tls", "there is none: everything can be read on the way")
    assert [step.name for step in conversation.steps if step.status == "skipped"] == ["login", "sender", "recipient"]


def test_what_others_wrote_does_not_reach_the_terminal(both: Both) -> None:
    zone = Zone({"TXT example.com": ("v=spf1 +all \x1b[31m\x07",), "MX example.com": ("0 \x1b]0;x\x07.",)})
    report = check(both, both.mailer(FakeTransport()), sender=USERNAME, resolver=zone)
    assert str(report).replace("\n", "").isprintable()
    assert "\x1b" not in report.as_json()


@pytest.mark.parametrize(("used", "status"), [(0, "ok"), (5, "ok"), (9, "warning"), (10, "failed")])
def test_what_is_left_of_a_limit(
    both: Both, smtpd: StartSmtpd, certificates: Certificates, used: int, status: str
) -> None:
    server = smtpd(username=USERNAME, password=PASSWORD)
    sending = mailer(both, server, certificates, limits=DailyLimit(10), default_from=USERNAME)
    message = Message().to("ann@example.com").text("Hi")
    for _ in range(used):
        both.send(sending, message)
    report = check(both, sending)
    step = report.step("limit")
    assert step is not None
    assert (step.status, step.text) == (status, f"{10 - used} of 10 messages are left (rolling-24h)")
    assert report.ok is (status != "failed")
    assert len(server.accepted) == used


def test_a_certificate_that_ends_soon(both: Both, smtpd: StartSmtpd, certificates: Certificates) -> None:
    server = smtpd(certificate="ending", username=USERNAME, password=PASSWORD)
    report = check(both, mailer(both, server, certificates))
    assert report.ok
    assert [(step.name, "renewed" in (step.hint or "")) for step in report.warnings] == [("tls", True)]
    assert "which is in 9 days" in report.warnings[0].text


def test_a_pinned_certificate(both: Both, smtpd: StartSmtpd, certificates: Certificates) -> None:
    server = smtpd(certificate="self-signed", username=USERNAME, password=PASSWORD)
    pinned = Tls(fingerprints=certificates.fingerprint("self-signed"))
    step = check(both, mailer(both, server, certificates, tls=pinned)).step("tls")
    assert step is not None
    assert step.status == "ok"
    assert step.text.endswith("the certificate is the pinned one")


def test_each_server_of_a_composition_is_looked_at(both: Both, smtpd: StartSmtpd, certificates: Certificates) -> None:
    good, bad = smtpd(), smtpd()
    bad.stop()
    transports = [SmtpTlsTransport("localhost", port, tls=certificates.ca_file) for port in (bad.port, good.port)]
    report = check(both, both.mailer(FailoverTransport(*transports)), sender=USERNAME)
    connected = [(step.subject, step.status) for step in report.steps if step.name == "connect"]
    assert connected == [(f"localhost:{bad.port}", "failed"), (f"localhost:{good.port}", "ok")]
    assert report.step("sender", f"localhost:{good.port}") in report.steps


def test_a_transport_without_a_server(both: Both) -> None:
    report = check(both, both.mailer(FakeTransport()))
    assert [(step.name, step.status) for step in report.steps] == [
        *(("transport", "skipped"), ("limit", "skipped"), ("spf", "skipped"))
    ]
    assert report.ok


def test_an_address_that_is_none(both: Both) -> None:
    with pytest.raises(InvalidAddress):
        check(both, both.mailer(FakeTransport()), sender="not an address")


def test_it_ends_in_time(both: Both, smtpd: StartSmtpd, certificates: Certificates) -> None:
    """A server that wants TLS is silent for ever."""
    server = smtpd(security="tls")
    silent = mailer(both, server, certificates, security="starttls", timeouts=Timeouts())
    [failed] = check(both, silent, timeout=0.2).failed
    assert (failed.name, failed.text) == ("greeting", f"localhost:{server.port} did not answer in time")


def test_for_programs(both: Both, smtpd: StartSmtpd, certificates: Certificates) -> None:
    server = smtpd(username=USERNAME, password=PASSWORD)
    report = check(both, mailer(both, server, certificates, password="wrong"))
    read = json.loads(report.as_json())
    assert read == report.as_dict()
    assert read["ok"] is False
    assert [step["name"] for step in read["steps"] if step["status"] == "failed"] == ["login"]
    assert set(read["steps"][0]) == {"name", "status", "text", "hint", "subject"}


PAGE = """\
1 thing keeps mail from going out; 2 warnings

FAILED  log-in     localhost:PORT refused the log-in of me@example.com with PLAIN: 535 5.7.8
                   Authentication credentials invalid
                   -> Gmail takes an app password, not the account's password: make one at
                   https://x.test/p.
warning SPF        example.com: v=spf1 ip4:192.0.2.1 -all does not let Gmail send
                   -> Write include:_spf.google.com into the record, before its all. See
                   https://support.google.com/a/answer/33786
warning DMARC      example.com: no DMARC record: Gmail, Yahoo and Microsoft want one of those who
                   send many mails
                   -> Publish a TXT record at _dmarc.example.com: "v=DMARC1; p=none;
                   rua=mailto:postmaster@example.com".
ok      host name  localhost:PORT: the name was found
ok      connection localhost:PORT: connected to 127.0.0.1, and ready after SECONDS s
ok      greeting   localhost:PORT: the server takes mail
ok      TLS        localhost:PORT: TLS; certificate for localhost, issued by trustme VERSION,
                   valid until DATE
ok      EHLO       localhost:PORT: mails of any size, 8BITMIME, SMTPUTF8, log-in by LOGIN, PLAIN
-       sender     localhost:PORT: not reached
-       recipient  localhost:PORT: not reached
-       limit      me@example.com at localhost: this mailer has no limits
ok      From       me@example.com fits the account
ok      MX         takes mail at mx.example.com
-       DKIM       example.com: not looked for: give dkim_selector="...", the s= of DKIM-Signature
                   in a mail that has arrived
"""


def test_the_page(both: Both, smtpd: StartSmtpd, certificates: Certificates) -> None:
    server = smtpd(username=USERNAME, password=PASSWORD)
    zone = Zone({"MX example.com": ("10 mx.example.com.",), "TXT example.com": ("v=spf1 ip4:192.0.2.1 -all",)})
    report = check(both, mailer(both, server, certificates, password="wrong", provider=GMAIL), resolver=zone)
    page = str(report)
    assert max(map(len, page.splitlines())) <= 100
    for pattern, stable in (
        (str(server.port), "PORT"),
        (r"after \d+\.\d\d s", "after SECONDS s"),
        (r"TLSv1\.\d", "TLS"),
        (r"v\d+\.\d+\.\d+,", "VERSION,"),
        (r"until \d{4}-\d\d-\d\d", "until DATE"),
    ):
        page = re.sub(pattern, stable, page)
    assert page == PAGE.rstrip("\n")
