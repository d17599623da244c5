"""A small shop: who signs up gets a welcome, and who orders gets an invoice."""

from __future__ import annotations

import os
from typing import Any

from flask import Flask, request
from markupsafe import escape

from smtpkit import DeliveryError, Mailer

# One mailer for the whole application, made when it is loaded: requests share its connections.
mailer = Mailer.from_url(
    os.environ.get("SMTP_URL", "smtp://localhost:2525?default_from=Shop%20%3Cshop%40example.com%3E")
)
app = Flask(__name__)


@app.post("/sign-up")
def sign_up() -> tuple[dict[str, Any], int]:
    """Welcome a customer."""
    name, address = request.form["name"], request.form["email"]
    text = f"Hello {name}, nice to have you here."
    try:
        mailer.compose().to(address).subject("Welcome").text(text).html(f"<p>{escape(text)}").send()
    except DeliveryError as error:
        app.logger.warning("no welcome for %s: %s", address, error)
        return {"welcomed": False, "try again": error.temporary}, 503 if error.temporary else 422
    return {"welcomed": True}, 201


@app.post("/orders")
def order() -> tuple[dict[str, Any], int]:
    """Send an invoice to the customer, and tell the store."""
    number, address = request.form["number"], request.form["email"]
    invoice = mailer.compose().to(address).bcc("store@example.com").subject(f"Order {number}")
    receipt = invoice.text("Thank you.").attach(b"%PDF-1.7", filename=f"invoice-{number}.pdf").send()
    return {"accepted": list(receipt.accepted)}, 201
