"""The tests of the shop. ``mailbox`` and ``smtp_server`` are fixtures of smtpkit's pytest plugin."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import shop

from smtpkit.testing import forbid_network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from flask.testing import FlaskClient

    from smtpkit.testing import FakeTransport, ScriptedServer


@pytest.fixture(autouse=True)
def nothing_leaves_this_machine() -> Iterator[None]:
    with forbid_network():
        yield


@pytest.fixture
def client() -> FlaskClient:
    return shop.app.test_client()


ANN = {"name": "Ann", "email": "ann@example.com"}


def test_a_customer_is_welcomed(client: FlaskClient, mailbox: FakeTransport) -> None:
    assert client.post("/sign-up", data=ANN).status_code == 201
    mailbox.assert_sent(to="ann@example.com", subject="Welcome", text_contains="Hello Ann", count=1)


def test_a_name_is_no_html(client: FlaskClient, mailbox: FakeTransport) -> None:
    client.post("/sign-up", data={"name": "<img src=x>", "email": "ann@example.com"})
    mailbox.assert_sent(html_contains="Hello &lt;img src=x&gt;", text_contains="Hello <img src=x>")


def test_an_order_has_its_invoice(client: FlaskClient, mailbox: FakeTransport) -> None:
    client.post("/orders", data={"number": "17", "email": "ann@example.com"})
    mailbox.assert_sent(
        to=["ann@example.com", "store@example.com"], subject=re.compile("17"), attachment="invoice-17.pdf"
    )


@pytest.mark.parametrize(
    ("reply", "status"), [("550 5.1.1 no such mailbox", 422), ("450 4.2.1 mailbox busy", 503)], ids=["5yz", "4yz"]
)
def test_a_refused_address(client: FlaskClient, mailbox: FakeTransport, reply: str, status: int) -> None:
    mailbox.refuse_recipient("ann@example.com", reply)
    assert client.post("/sign-up", data=ANN).status_code == status
    mailbox.assert_not_sent()


def test_a_time_out_takes_no_time(client: FlaskClient, mailbox: FakeTransport) -> None:
    mailbox.time_out()
    assert client.post("/sign-up", data=ANN).status_code == 503


def test_the_welcome_has_its_form(
    client: FlaskClient, mailbox: FakeTransport, message_snapshot: Callable[[Any], str]
) -> None:
    client.post("/sign-up", data=ANN)
    assert message_snapshot(mailbox.outbox[0]) == WELCOME


def test_by_a_real_server(client: FlaskClient, smtp_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with smtp_server.mailer(default_from="shop@example.com") as mailer:
        monkeypatch.setattr(shop, "mailer", mailer)
        client.post("/sign-up", data=ANN)
    smtp_server.assert_sent(to="ann@example.com", count=1)


def test_without_a_mailbox_nothing_is_sent(client: FlaskClient) -> None:
    # NetworkForbidden is a DeliveryError that does not pass.
    assert client.post("/sign-up", data=ANN).status_code == 422


WELCOME = """\
From: Shop <shop@example.com>
To: ann@example.com
Subject: Welcome
Date: <date>
Message-ID: <message-id>
MIME-Version: 1.0
Content-Type: multipart/alternative;
 boundary="boundary-1"

--boundary-1
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 7bit

Hello Ann, nice to have you here.
--boundary-1
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: 7bit

<p>Hello Ann, nice to have you here.
--boundary-1--
"""
