"""Mailers from one line of configuration."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hiding import PASSWORDS, hidden_in_url
from made import Made, made, options
from smtpkit import (
    AsyncMailer,
    InvalidAddress,
    InvalidConfiguration,
    Mailer,
    PlaintextSmtpTransport,
    SmtpSslTransport,
    SmtpTlsTransport,
    Timeouts,
    Tls,
    UnknownProvider,
)

MAILERS = pytest.mark.parametrize("mailer", [Mailer, AsyncMailer])
TLS, STARTTLS, PLAIN = SmtpSslTransport, SmtpTlsTransport, PlaintextSmtpTransport

URLS: list[tuple[str, Made]] = [
    ("smtp://mail.example.com", Made(STARTTLS, "mail.example.com", 587, None, None, None)),
    ("smtps://mail.example.com", Made(TLS, "mail.example.com", 465, None, None, None)),
    ("smtp+plaintext://localhost", Made(PLAIN, "localhost", 25, None, None, None)),
    ("SMTPS://Mail.Example.com/", Made(TLS, "mail.example.com", 465, None, None, None)),
    ("smtp://h:2525", Made(STARTTLS, "h", 2525, None, None, None)),
    ("smtp://h:", Made(STARTTLS, "h", 587, None, None, None)),
    ("smtp://[::1]:2525", Made(STARTTLS, "::1", 2525, None, None, None)),
    ("smtps://[::1]", Made(TLS, "::1", 465, None, None, None)),
    ("smtp://u:p@h", Made(STARTTLS, "h", 587, "u", "p", None)),
    ("smtp://me@x.com:p@h", Made(STARTTLS, "h", 587, "me@x.com", "p", None)),
    ("smtp://me%40x.com:p@h", Made(STARTTLS, "h", 587, "me@x.com", "p", None)),
    ("smtp://u:a%2Fb%3Ac%40d%3F%23%25@h", Made(STARTTLS, "h", 587, "u", "a/b:c@d?#%", None)),
    ("smtp://u:a+b@h", Made(STARTTLS, "h", 587, "u", "a+b", None)),
    ("smtp://u:%E2%82%AC@h", Made(STARTTLS, "h", 587, "u", "€", None)),
    ("smtp://u@h?token=t%2Bt", Made(STARTTLS, "h", 587, "u", "t+t", None)),
    ("smtp://h?default_from=me@example.com", Made(STARTTLS, "h", 587, None, None, "me@example.com")),
    ("smtp://h?default_from=Me+%3Cme%40x.com%3E", Made(STARTTLS, "h", 587, None, None, "Me <me@x.com>")),
    ("smtp+plaintext://u:p@h?allow_insecure_auth=yes", Made(PLAIN, "h", 25, "u", "p", None)),
    ("gmail://me%40gmail.com:p@", Made(TLS, "smtp.gmail.com", 465, "me@gmail.com", "p", "me@gmail.com")),
    ("gmail://me@gmail.com:p@", Made(TLS, "smtp.gmail.com", 465, "me@gmail.com", "p", "me@gmail.com")),
    (
        "gmail://me@gmail.com:p@?security=starttls",
        Made(STARTTLS, "smtp.gmail.com", 587, "me@gmail.com", "p", "me@gmail.com"),
    ),
    ("gmail://me@gmail.com@?token=t", Made(TLS, "smtp.gmail.com", 465, "me@gmail.com", "t", "me@gmail.com")),
    ("sendgrid://:key@", Made(TLS, "smtp.sendgrid.net", 465, "apikey", "key", None)),
    (
        "amazon_ses://AKIA:p@?region=us-west-2",
        Made(TLS, "email-smtp.us-west-2.amazonaws.com", 465, "AKIA", "p", None),
    ),
    ("cpanel://me@x.com:p@", Made(TLS, "mail.x.com", 465, "me@x.com", "p", "me@x.com")),
    ("cpanel://me@x.com:p@?domain=y.com", Made(TLS, "mail.y.com", 465, "me@x.com", "p", "me@x.com")),
]


@MAILERS
@pytest.mark.parametrize(("url", "expected"), URLS)
def test_from_url(mailer: type[Mailer], url: str, expected: Made) -> None:
    assert made(mailer.from_url(url)) == expected


PIN = ":".join(["0A"] * 32)


@pytest.mark.parametrize(
    ("query", "tls"),
    [
        ("tls=ca.pem", "ca.pem"),
        ("tls.ca_file=ca.pem", Tls("ca.pem")),
        (f"tls.fingerprints={PIN.lower()}", Tls(fingerprints=PIN)),
        (f"tls.fingerprints={PIN},{'0B' * 32}", Tls(fingerprints=(PIN, "0B" * 32))),
        (
            "tls.client_certificate=me.pem&tls.client_key=me.key&tls.minimum_version=1.3",
            Tls(client_certificate="me.pem", client_key="me.key", minimum_version="1.3"),
        ),
    ],
)
@pytest.mark.parametrize("url", ["smtp://h?", "gmail://me@gmail.com:p@?"])
def test_tls_settings(url: str, query: str, tls: object) -> None:
    assert options(Mailer.from_url(url + query)).tls == tls


def test_keys_of_every_kind() -> None:
    server = options(
        Mailer.from_url(
            "smtps://h?connections=4&pipelining=no&chunking=no&messages_per_connection=9&mechanisms=plain,SCRAM-SHA-256&tls=ca.pem&local_hostname=me.test"
            "&source_address=127.0.0.2&timeouts.reply=2.5&timeouts.total=60&on_partial=raise"
        )
    )
    assert server.pipelining is server.chunking is False
    assert server.messages_per_connection == 9
    assert server.mechanisms == ("PLAIN", "SCRAM-SHA-256")
    assert (server.tls, server.local_hostname, server.source_address) == ("ca.pem", "me.test", "127.0.0.2")
    assert server.timeouts == Timeouts(reply=2.5, total=60)


REFUSED_URLS: list[tuple[Any, type[Exception], str]] = [
    (None, InvalidConfiguration, "a URL is text, and NoneType"),
    (b"smtp://h", InvalidConfiguration, "a URL is text, and bytes"),
    ("", InvalidConfiguration, "not a URL"),
    ("smtp.example.com", InvalidConfiguration, "not a URL"),
    ("u:pass%word@h", InvalidConfiguration, "not a URL"),
    ("://h", InvalidConfiguration, "not a URL"),
    ("smtp:h", InvalidConfiguration, "not a URL"),
    ("smtp://", InvalidConfiguration, "has no host"),
    ("smtp://u:p@", InvalidConfiguration, "has no host"),
    ("smtp://u:p@:25", InvalidConfiguration, "has no host"),
    ("http://h", UnknownProvider, "'http'(?s:.)*smtps://.*smtp://"),
    ("http://h:port", UnknownProvider, "'http'(?s:.)*smtps://.*smtp://"),
    ("gmail://me@gmail.com:pw", InvalidConfiguration, "end it with @"),
    ("gmail://me%40gmail.com:pw", InvalidConfiguration, "end it with @"),
    ("gmail://me@gmail.com:1234", InvalidConfiguration, "End it with @"),
    ("gmail://me@gmail.com:@", InvalidConfiguration, "neither(?s:.)*an app password"),
    ("smtps://u:%ff@h", InvalidConfiguration, "password in the smtps:// URL is not percent-encoded UTF-8"),
    ("smtps://%ff:p@h", InvalidConfiguration, "user name in the smtps:// URL"),
    ("smtp://h?source_address=nonsense", InvalidConfiguration, "not an IP address"),
    ("smtp://h?timeouts.connect=1e12", InvalidConfiguration, "86400"),
    ("gmial://me@gmail.com:p@", UnknownProvider, "nearest: gmail"),
    ("gmail://me@gmail.com:p@smtp.gmail.com", InvalidConfiguration, "has no host and port: the preset"),
    ("gmail://me:p@", InvalidConfiguration, "whole address"),
    ("smtp://h:port", InvalidConfiguration, "port"),
    ("smtp://h:0", InvalidConfiguration, "not a port: 0"),
    ("smtp://h:65536", InvalidConfiguration, "up to 65535"),
    ("smtp://h:-1", InvalidConfiguration, "port"),
    ("smtp://[::1", InvalidConfiguration, "cannot be read"),
    ("smtp://h h", InvalidConfiguration, "not a host name"),
    ("smtp://h/inbox", InvalidConfiguration, "path or fragment"),
    ("smtp://h#x", InvalidConfiguration, "path or fragment"),
    ("smtp://u@h", InvalidConfiguration, "neither"),
    ("smtp://:p@h", InvalidConfiguration, "no username(?s:.)*Hint: Give username="),
    ("smtp://u:p@h?token=t", InvalidConfiguration, "both"),
    ("smtp://h?conections=2", InvalidConfiguration, "unknown key 'conections'.*(?s:.)*Known: .*connections"),
    ("smtps://h?tls.fingerprint=AB", InvalidConfiguration, "'tls.fingerprint' in the URL; nearest: tls.fingerprints"),
    ("smtp://h?timeouts=2", InvalidConfiguration, "unknown key 'timeouts'"),
    ("smtp://h?timeouts.x=2", InvalidConfiguration, "unknown key 'timeouts.x'"),
    ("smtp://h?password=x", InvalidConfiguration, "unknown key 'password'"),
    ("smtp://h?connections=many", InvalidConfiguration, "connections of the URL cannot be 'many'"),
    ("smtp://h?connections=", InvalidConfiguration, "connections of the URL cannot be ''"),
    ("smtp://h?connections", InvalidConfiguration, "connections of the URL cannot be ''"),
    ("smtp://h?connections=0", InvalidConfiguration, "connections=0"),
    ("smtp://h?connections=1&connections=2", InvalidConfiguration, "connections is in the URL twice"),
    ("smtp://h?pipelining=maybe", InvalidConfiguration, "pipelining of the URL cannot be 'maybe'"),
    ("smtp://h?timeouts.reply=soon", InvalidConfiguration, "timeouts.reply of the URL cannot be 'soon'"),
    ("smtp://h?timeouts.reply=0", InvalidConfiguration, "reply=0.0"),
    ("smtp://h?timeouts.reply=nan", InvalidConfiguration, "reply=nan"),
    ("smtp://h?timeouts.reply=inf", InvalidConfiguration, "reply=inf"),
    ("smtp://h?timeouts.reply=1&timeouts.reply=2", InvalidConfiguration, "twice"),
    ("smtp://h?mechanisms=", InvalidConfiguration, "mechanisms= is empty"),
    ("smtp://h?mechanisms=NTLM", InvalidConfiguration, "unknown mechanism 'NTLM'"),
    ("smtp://h?on_partial=maybe", InvalidConfiguration, "on_partial='maybe'"),
    ("smtp://h?region=eu", InvalidConfiguration, "unknown option 'region'"),
    ("smtps://h?allow_insecure_auth=yes", InvalidConfiguration, "unknown option 'allow_insecure_auth'"),
    ("smtp://h?default_from=nobody", InvalidAddress, "nobody"),
    ("smtp+plaintext://u:p@h", InvalidConfiguration, "log-in without TLS"),
    ("smtp+plaintext://h?tls=ca.pem", InvalidConfiguration, "tls="),
    ("smtp+plaintext://h?tls.ca_file=ca.pem", InvalidConfiguration, "tls="),
    ("smtps://h?tls.ca_file=", InvalidConfiguration, "ca_file=''"),
    ("smtps://h?tls.fingerprints=AB:CD", InvalidConfiguration, "not a SHA-256 fingerprint"),
    ("smtps://h?tls.minimum_version=1.0", InvalidConfiguration, "minimum_version='1.0'"),
    ("smtps://h?tls=ca.pem&tls.ca_file=ca.pem", InvalidConfiguration, "the key tls and keys that begin with tls"),
    ("smtps://h?tls.insecure=yes", InvalidConfiguration, "unknown key 'tls.insecure'"),
    ("smtps://h?tls.client_key_password=x", InvalidConfiguration, "unknown key 'tls.client_key_password'"),
]


@MAILERS
@pytest.mark.parametrize(("url", "kind", "text"), REFUSED_URLS)
def test_from_url_refuses(mailer: type[Mailer], url: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        mailer.from_url(url)


# Letters that no error text and no host has by itself.
TEMPLATES = [
    "smtp://user:{}@mail.example.com",
    "smtps://user:{}@mail.example.com:port",
    "smtp://user:{}@mail.example.com/path",
    "smtp://user:{}@mail.example.com?connections=many",
    "smtp://user:{}@",
    "gmail://me%40gmail.com:{}@",
    "gmail://me@gmail.com:{}@host",
    "gmail://me:{}@",
    "smtp+plaintext://user:{}@localhost",
    "nobody://user:{}@",
    "user:{}@mail.example.com",
    "user:{}://mail.example.com",
    "smtp://mail.example.com?token={}&connections=many",
]


@given(st.sampled_from(TEMPLATES), PASSWORDS, st.booleans())
@example(TEMPLATES[0], "1?λλλ", False)
@example(TEMPLATES[0], "1?λλλ=1", False)
@example(TEMPLATES[0], "1?connections=λλλ", False)
@example(TEMPLATES[0], "/λλλ", False)
@example(TEMPLATES[0], "[λλλ", False)
@example(TEMPLATES[0], "1]λλλ[", False)
@example(TEMPLATES[10], "λλλ://", False)
def test_no_password_is_shown(template: str, password: str, encoded: bool) -> None:
    hidden_in_url(template, password, encoded=encoded)


@given(PASSWORDS, PASSWORDS)
def test_any_encoded_name_and_password_is_read_back(username: str, password: str) -> None:
    url = f"smtp://{quote(username, safe='')}:{quote(password, safe='')}@h"
    assert made(Mailer.from_url(url))[3:5] == (username, password)
