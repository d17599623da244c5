"""What to do about a connection that does not come about: one text for each cause.

Who meets the trouble says what happened; here is said what it mostly comes from, and what helps.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

__all__ = ["broken_at_greeting", "intercepted", "name_not_found", "no_answer", "no_starttls", "not_now", "not_tls",
           "refused", "silent_at_greeting", "silent_handshake", "unknown_issuer"]  # fmt: skip

_Security: TypeAlias = Literal["starttls", "tls", "plaintext"]

_TLS_PORT = "Port 465 does (SmtpSslTransport, smtps://); port 587 wants STARTTLS (SmtpTlsTransport, smtp://)."
_WRONG_KIND = "A port that wants TLS from the first byte (mostly 465: SmtpSslTransport, smtps://) {does} like this."
_PORT_25 = (
    "Access providers, clouds and company networks mostly block port 25, which is for servers among themselves: use "
    "587 (SmtpTlsTransport) or 465 (SmtpSslTransport)."
)


def name_not_found(host: str) -> str:
    """For a host name that has no address."""
    typo = "" if "." in host else " It has no domain: is it whole?"
    return f"Is it spelled right, and does this machine have DNS? See it with: nslookup {host}.{typo}"


def no_answer(port: int) -> str:
    """For a connection that nobody answers."""
    if port == 25:
        return f"A firewall that swallows packets does this. {_PORT_25}"
    return "A firewall that swallows packets does this; many networks block port 25. Is the port right?"


def refused(port: int) -> str:
    """For a host where nobody listens at ``port``, or that cannot be reached."""
    hint = "Is the server running, and is the port right? Mostly 587 (STARTTLS), 465 (TLS) or 25."
    return f"{hint} {_PORT_25}" if port == 25 else hint


def silent_at_greeting(security: _Security) -> str | None:
    """For a server that takes the connection and says nothing."""
    return None if security == "tls" else _WRONG_KIND.format(does="stays silent")


def broken_at_greeting(security: _Security) -> str:
    """For a server that closes the connection before it says anything."""
    hint = "The server closed the connection before it said anything: it may refuse this client's address."
    return hint if security == "tls" else f"{hint} {_WRONG_KIND.format(does='may end')}"


def silent_handshake(security: _Security) -> str | None:
    """For a TLS handshake that does not go on."""
    return "A port without TLS waits like this: is it one for STARTTLS (mostly 587)?" if security == "tls" else None


def not_tls() -> str:
    """For a port that speaks plaintext where TLS was to begin at once."""
    return _TLS_PORT


def no_starttls(*, offered: bool, peer: str = "") -> str:
    """For a server without STARTTLS, or that refuses it; ``peer`` is the address that it has."""
    use = "Use its TLS port (SmtpSslTransport, mostly 465)."
    if offered:
        return f"{use} Nothing was sent."
    if peer.startswith("127.") or peer == "::1":
        use += " A relay or an inbox on this machine mostly has no TLS: PlaintextSmtpTransport, smtp+plaintext://."
    return f"{use} If it did offer it before, somebody between you and the server may be hiding it. Nothing was sent."


def not_now(now: str, see: str, *, yet: bool) -> str:
    """For a certificate that is not valid at the time of this machine's clock, ``now``."""
    if yet:
        return (
            f"The clock of this machine says {now}. Is that right? A clock that is slow does this, as on a machine "
            f"that has lost its time. Otherwise the server's certificate begins later. See it with: {see}"
        )
    return (
        f"Is the clock of this machine right? It says {now}. Then the server needs a new certificate: tell those who "
        f"run it. See it with: {see}"
    )


def unknown_issuer(see: str) -> str:
    """For a certificate whose issuer is not known here."""
    return (
        'For a CA of your own give tls="ca.pem". For a certificate that is its own CA give its fingerprint, when '
        f"those who run the server have confirmed it: tls=Tls(fingerprints=[...]). See it with: {see} "
        "| openssl x509 -noout -fingerprint -sha256"
    )


def intercepted(title: str) -> str:
    """For a certificate whose issuer is not known here, at a provider whose certificates every system trusts."""
    return (
        f"{title} has a certificate that every system trusts, and this is another one: a proxy of your company or a "
        "virus scanner opens the connection, and could read the password. Nothing was sent. Have it leave mail alone; "
        'or, if its administrators want it so, give the file of their CA: tls="ca.pem". If this Python can verify no '
        "connection at all, its CA certificates are missing: on macOS run Install Certificates.command, on Linux "
        "install ca-certificates."
    )
