"""Authentication with a hostile server: no answer tells the secret, and nobody passes who does not know it."""

from __future__ import annotations

import re
from base64 import b64encode
from unittest.mock import patch

from smtpkit.errors import ProtocolError
from smtpkit.secret import Secret
from smtpkit.smtp import sasl

__all__ = ["SEEDS", "check"]

_NONCE = "rOprNGfwEbeRWgbNEkqO"
_SERVER_FIRST = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
_SECRET = "pa55word"

# The first octet chooses the mechanism, and each line is a challenge.
SEEDS = (
    b"\x01" + _SERVER_FIRST + b"\nv=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    b"\x01" + _SERVER_FIRST + b"\ne=invalid-proof\n",
    b"\x01m=ext,r=rOprNGfwEbeRWgbNEkqOx,s=AAAA,i=1000\nv=AAAA",
    b"\x02Username:\nPassword:\nOTP:",
    b"\x03<1896.697170952@postoffice.reston.mci.net>",
    b'\x04{"status":"400","schemes":"Bearer"}',
    b'\x05{"status":"invalid_token"}\n',
    b"\x00\n",
)
_AT_MOST = {"LOGIN": 2}


def check(data: bytes) -> None:
    """Nobody here knows the secret but the client."""
    name = sasl.MECHANISMS[data[0] % len(sasl.MECHANISMS)] if data else "PLAIN"
    with patch.object(sasl, "nonce", lambda: _NONCE):
        mechanism = sasl.mechanism_for(name, sasl.Login("ann", Secret(_SECRET), "mail.example.com", 587))
    mechanism.initial()
    answers: list[bytes] = []
    refused = False
    # A million rounds are within bounds, and would take all of the time.
    challenges = [each for each in data[1:].split(b"\n")[:10] if not re.search(rb"i=[0-9]{5}", each)]
    try:
        answers.extend(mechanism.answer(challenge) for challenge in challenges)
        mechanism.verify()
    except ProtocolError as error:
        assert error.stage == "auth"
        assert _SECRET not in f"{error} {error!r}"
        refused = True
    # SCRAM alone asks the server for a proof, which it cannot have.
    assert refused or name != "SCRAM-SHA-256"
    assert len(answers) <= _AT_MOST.get(name, 10)
    if name != "LOGIN":
        assert not any(_SECRET.encode() in answer or b64encode(_SECRET.encode()) in answer for answer in answers)
