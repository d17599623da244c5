"""What every transport must do: for those who write one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smtpkit.mail import Mail
from smtpkit.message import Message
from smtpkit.raw import RawMessage
from smtpkit.receipt import Receipt
from smtpkit.transports.base import checked

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from smtpkit.runtime.base import Runtime
    from smtpkit.transports.base import Transport

__all__ = ["check_transport"]

_PLAIN = Message().from_("sender@example.com").to("ann@example.com").subject("check_transport").text("Hello")


def check_transport(make_transport: Callable[[], Transport]) -> None:
    """Send mails of many kinds by transports of yours, in both kinds of programs, and check what comes of them.

    ::

        def test_my_transport():
            check_transport(lambda: MyTransport(url=sandbox.url))

    Each transport that ``make_transport`` gives must take mail for any recipient of example.com, or refuse it: it must
    say which, for every recipient, in a `Receipt`, and leave the mail as it is. Run it against a sandbox: mail is sent.

    Raises:
        AssertionError: what it does wrong, with the mail that shows it.
    """
    if not callable(make_transport):
        raise TypeError("check_transport needs what makes a transport: check_transport(lambda: MyTransport(...))")
    for name, mail in _mails().items():
        for kind, driven in (("Mailer", _in_blocking), ("AsyncMailer", _in_loop)):
            _check_one(f"{name}, under {kind}", make_transport, mail, driven)


def _mails() -> dict[str, Mail]:
    several = _PLAIN.to("bob@example.com").cc("carl@example.com").bcc("dora@example.com")
    return {
        "a plain mail": Mail(_PLAIN),
        "four recipients, one of them blind": Mail(several),
        "other scripts": Mail(_PLAIN.subject("Grüße, привет, 你好").text("Grüße ✓\n.\n..\n").html("<p>Grüße ✓")),
        "an attachment": Mail(_PLAIN.attach(bytes(range(256)) * 500, filename="octets.bin")),
        "the null reverse-path": Mail(_PLAIN.return_path(None)),
        "given octets": Mail(RawMessage(_PLAIN.as_bytes())),
    }


def _check_one(
    name: str, make_transport: Callable[[], Transport], mail: Mail, driven: Callable[[Any], list[Receipt]]
) -> None:
    before = mail.as_bytes(), mail.envelope
    transport = checked(make_transport())

    async def sent(runtime: Runtime) -> list[Receipt]:
        receipts = [await transport.send(mail, runtime), await transport.send(mail, runtime)]
        await transport.close(runtime)
        # It may be used again after it was closed, and closed again.
        receipts.append(await transport.send(mail, runtime))
        await transport.close(runtime)
        return receipts

    try:
        receipts = driven(sent)
    except Exception as error:
        raise AssertionError(
            f"{name}: {transport!r} raised {error!r}. A transport reports what went wrong in the receipt, "
            "and waits only through the runtime."
        ) from error
    if (mail.as_bytes(), mail.envelope) != before:
        raise AssertionError(f"{name}: the mail is not what it was")
    for receipt in receipts:
        if problem := _problem(receipt, mail):
            raise AssertionError(f"{name}: {problem}")


def _problem(receipt: Receipt, mail: Mail) -> str | None:
    """What is wrong with ``receipt``."""
    if not isinstance(receipt, Receipt):  # pyright: ignore[reportUnnecessaryIsInstance]
        return f"send() returned {type(receipt).__name__}, not a Receipt"
    names = {address.addr_spec for address in mail.envelope.recipients}
    if set(receipt.outcomes) != names:
        return f"the receipt has outcomes for {sorted(receipt.outcomes)}, and the mail is to {sorted(names)}"
    if receipt.message_id != mail.message_id:
        return f"the receipt is about {receipt.message_id}, and the mail is {mail.message_id}"
    unknown = {outcome.status for outcome in receipt.outcomes.values()} - {
        "accepted",
        "refused",
        "not_sent",
        "uncertain",
    }
    if unknown:
        return f"the receipt has the status {sorted(unknown)[0]!r}"
    everybody = all(outcome.status == "accepted" for outcome in receipt.outcomes.values())
    if everybody and receipt.error is not None:
        return f"everybody accepted, and the receipt has the error {receipt.error!r}"
    if not everybody and receipt.error is None:
        return "somebody did not accept, and the receipt has no error"
    if receipt.error is not None and receipt.error.receipt is not receipt:
        return "the error of the receipt belongs to another one"
    return None


def _in_blocking(sent: Callable[[Runtime], Coroutine[Any, Any, list[Receipt]]]) -> list[Receipt]:
    from smtpkit.runtime.blocking import BlockingRuntime, run

    return run(sent(BlockingRuntime()))


def _in_loop(sent: Callable[[Runtime], Coroutine[Any, Any, list[Receipt]]]) -> list[Receipt]:
    """In a loop of its own, in a thread: the test may run in one itself."""
    from smtpkit.runtime.apart import run_apart

    return run_apart(sent)
