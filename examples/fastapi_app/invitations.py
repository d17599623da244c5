"""A small service that sends invitations: one at once, or many in the background."""

from __future__ import annotations

import os

from fastapi import BackgroundTasks, FastAPI, HTTPException
from pydantic import BaseModel

from smtpkit import AsyncMailer, DeliveryError, Message, Retry

# One mailer for the whole application: its connections belong to the event loop that uses them.
mailer = AsyncMailer.from_url(os.environ.get("SMTP_URL", "smtp://localhost:2525?default_from=host%40example.com"))
patient = AsyncMailer(mailer.transport, default_from="host@example.com", retry=Retry(attempts=3, wait=30))
app = FastAPI()

party = Message().subject("A party").text("You are invited.")


class Guest(BaseModel):
    """Who is invited."""

    email: str


@app.post("/invitations", status_code=201)
async def invite(guest: Guest) -> dict[str, list[str]]:
    """Invite one guest, and say what came of it."""
    try:
        receipt = await mailer.send(party.to(guest.email))
    except DeliveryError as error:
        raise HTTPException(503 if error.temporary else 422, error.message) from error
    return {"accepted": list(receipt.accepted)}


@app.post("/parties", status_code=202)
async def invite_all(guests: list[Guest], later: BackgroundTasks) -> dict[str, int]:
    """Invite many guests, after the answer."""
    later.add_task(_send_all, [party.to(guest.email) for guest in guests])
    return {"guests": len(guests)}


async def _send_all(messages: list[Message]) -> None:
    async for receipt in patient.send_many(messages, in_flight=8):
        print(receipt)
