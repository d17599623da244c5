"""Passwords that must not be seen."""

from __future__ import annotations

from urllib.parse import quote

from hypothesis import strategies as st

from smtpkit import InvalidConfiguration, Mailer, UnknownProvider

__all__ = ["PASSWORDS", "hidden_in_url"]

_MARK = "λλλ"
PASSWORDS = st.text(st.sampled_from("ßøλ0123456789/?#@:%&=+[]!\\ .;()"), min_size=1, max_size=20)


def hidden_in_url(template: str, password: str, *, encoded: bool) -> None:
    """Neither the mailer of a URL nor the error shows anything of the ``password`` that is put into ``template``."""
    password = f"{_MARK}{password}{_MARK}"
    url = template.format(quote(password, safe="") if encoded else password)
    try:
        text = repr(Mailer.from_url(url))
    except (InvalidConfiguration, UnknownProvider) as error:
        text = f"{error}{error!r}"
    assert _MARK not in text
    assert quote(_MARK) not in text
