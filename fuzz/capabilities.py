"""What a server says it can do: whatever it is, what is said to it stays one line with parameters that it knows."""

from __future__ import annotations

from typing import Literal

from smtpkit import Address, Mail, Message, Reply
from smtpkit.smtp.admission import admit
from smtpkit.smtp.capabilities import Capabilities
from smtpkit.smtp.parameters import mail_command, rcpt_command
from smtpkit.smtp.sasl import MECHANISMS, usable_mechanisms

__all__ = ["SEEDS", "check"]

SEEDS = (
    b"mail.example.com\nSIZE 35882577\n8BITMIME\nSTARTTLS\nENHANCEDSTATUSCODES\nPIPELINING\nCHUNKING\nSMTPUTF8",
    b"hello\nAUTH PLAIN LOGIN XOAUTH2\nAUTH=LOGIN PLAIN\nauth scram-sha-256 cram-md5",
    b"hello\nLIMITS RCPTMAX=100 MAILMAX=50\nDSN\nREQUIRETLS\nsize 0\nSIZE 99999999999999999999",
    b"hello\nSIZE \xd9\xa1\xd9\xa2\nLIMITS RCPTMAX=007\n \n\xff",
)

_MESSAGE = Message().from_("änn@example.com").to("bob@example.com", "jörg@bücher.example").text("Grüße")
_MAILS = (
    Mail(_MESSAGE),
    Mail(_MESSAGE.from_("ann@example.com").dsn("failure", ret="headers", envelope_id="a+b").require_tls()),
    Mail(Message().from_("ann@example.com").to(Address("bob@example.com")).text("Hi")),
)
_NEEDED = {b"SMTPUTF8": "SMTPUTF8", b"BODY": "8BITMIME", b"SIZE": "SIZE", b"REQUIRETLS": "REQUIRETLS"}
"""Parameters of MAIL and RCPT, and the extension that they come from; all others are of DSN."""


def check(data: bytes) -> None:
    """The lines are those of an EHLO reply."""
    capabilities = Capabilities.of(Reply(250, tuple(data.decode(errors="replace").split("\n"))))
    assert len(capabilities.keywords) <= 100
    assert all(keyword == keyword.upper() and " " not in keyword for keyword in capabilities.keywords)
    assert capabilities.max_size is None or 0 < capabilities.max_size < 10**20
    names: tuple[Literal["RCPTMAX", "MAILMAX"], ...] = ("RCPTMAX", "MAILMAX")
    assert all(limit is None or 0 < limit < 10**6 for limit in map(capabilities.limit, names))
    for token in (False, True):
        found = usable_mechanisms(capabilities.mechanisms, token=token, encrypted=True, wanted=None)
        assert set(found) <= set(MECHANISMS) & set(capabilities.mechanisms)
    for mail in _MAILS:
        _check_commands(mail, capabilities)


def _check_commands(mail: Mail, capabilities: Capabilities) -> None:
    admission = admit(mail, capabilities, host="mail.example.com", verified_tls=True)
    if admission.error is not None:
        assert admission.error.message.isprintable()
        return
    asked = [each for each in mail.envelope.recipients if each not in admission.refused]
    for command in (
        mail_command(mail, capabilities),
        *(rcpt_command(mail, address, capabilities) for address in asked),
    ):
        assert command.endswith(b">\r\n") or b"> " in command
        for parameter in command.rpartition(b">")[2].split():
            assert _NEEDED.get(parameter.partition(b"=")[0], "DSN") in capabilities
