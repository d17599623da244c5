"""The tests of the invitations: the application runs in an event loop, and so do some of the tests."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import invitations
import pytest
from httpx import ASGITransport, AsyncClient

if TYPE_CHECKING:
    from smtpkit.testing import FakeTransport, ScriptedServer

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def nothing_leaves_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTPKIT_FORBID_NETWORK", "1")


def client() -> AsyncClient:
    return AsyncClient(transport=ASGITransport(invitations.app), base_url="http://test")


async def test_a_guest_is_invited(mailbox: FakeTransport) -> None:
    async with client() as http:
        answer = await http.post("/invitations", json={"email": "ann@example.com"})
    assert answer.json() == {"accepted": ["ann@example.com"]}
    mailbox.assert_sent(to="ann@example.com", from_="host@example.com", subject="A party", count=1)


async def test_many_requests_at_a_time(mailbox: FakeTransport) -> None:
    async with client() as http:
        await asyncio.gather(
            *(http.post("/invitations", json={"email": f"guest{number}@example.com"}) for number in range(30))
        )
    assert len(mailbox.outbox) == 30


async def test_who_is_refused_for_now_is_asked_again(mailbox: FakeTransport) -> None:
    mailbox.fail_temporarily(2)
    async with client() as http:
        guests = [{"email": "ann@example.com"}, {"email": "bob@example.com"}]
        assert (await http.post("/parties", json=guests)).status_code == 202
    mailbox.assert_sent(to="ann@example.com", count=1)
    mailbox.assert_sent(to="bob@example.com", count=1)


async def test_an_uncertain_invitation_is_not_sent_twice(mailbox: FakeTransport) -> None:
    mailbox.leave_uncertain(times=1)
    async with client() as http:
        await http.post("/parties", json=[{"email": "ann@example.com"}])
    mailbox.assert_sent(to="ann@example.com", count=1)


def test_in_an_event_loop_of_its_own(mailbox: FakeTransport) -> None:
    async def invited() -> int:
        async with client() as http:
            return (await http.post("/invitations", json={"email": "ann@example.com"})).status_code

    assert [asyncio.run(invited()), asyncio.run(invited())] == [201, 201]
    mailbox.assert_sent(count=2)


async def test_by_a_real_server(smtp_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    smtp_server.refuse_recipient("bob@example.com")
    async with smtp_server.async_mailer(default_from="host@example.com") as mailer, client() as http:
        monkeypatch.setattr(invitations, "mailer", mailer)
        statuses = [
            (await http.post("/invitations", json={"email": f"{name}@example.com"})).status_code
            for name in ("ann", "bob")
        ]
    assert statuses == [201, 422]
    smtp_server.assert_sent(to="ann@example.com", count=1)


async def test_without_a_mailbox_nothing_is_sent() -> None:
    async with client() as http:
        answer = await http.post("/invitations", json={"email": "ann@example.com"})
    assert answer.status_code == 422
    assert "SMTPKIT_FORBID_NETWORK" in answer.text
