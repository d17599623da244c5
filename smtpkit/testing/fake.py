"""A transport for tests: a mail server in memory, and what it got."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from smtpkit.errors import InvalidConfiguration
from smtpkit.receipt import Outcome, Receipt
from smtpkit.reply import Reply
from smtpkit.runtime.lock import ForkSafeLock
from smtpkit.testing.host import EXTENSIONS, ScriptedHost
from smtpkit.transports.base import end_substitution, substitute

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from smtpkit.mail import Mail
    from smtpkit.runtime.base import Runtime
    from smtpkit.runtime.simulated import SimulatedRuntime
    from smtpkit.smtp.timeouts import Timeouts
    from smtpkit.testing.conversation import Session
    from smtpkit.testing.session import Accepted
    from smtpkit.transports.smtp import SmtpTransport

__all__ = ["FakeTransport"]

_LOGIN = ("user", "secret")
_KEPT = Outcome("accepted", Reply(250, ("2.0.0 kept in the outbox",)))


class FakeTransport(ScriptedHost):
    """Keeps the mails that it is given; works in `Mailer` and in `AsyncMailer`, for threads and tasks at a time.

    ::

        fake = FakeTransport()
        mailer = Mailer(fake)
        ...
        fake.assert_sent(to="ann@example.com", subject="Hello")

    Within ``with FakeTransport() as fake:`` it gets the mail of every mailer of this process, however that was made.

    It can be told to fail as a server does (`Scripted`). Then a real conversation takes place, in memory and with a
    clock that jumps: nobody waits for a time-out, nor between the attempts of a `Retry`.

    Args:
        extensions: what it offers in EHLO, such as ``CHUNKING``. SMTPUTF8, DSN and others are there by default.
        timeouts: how long it is waited for, by its own clock.

    Raises:
        InvalidConfiguration: ``extensions`` is a text, or ``timeouts`` no `Timeouts`.
    """

    simulated: bool = True

    def __init__(self, *, extensions: Iterable[str] = EXTENSIONS, timeouts: Timeouts | None = None) -> None:
        super().__init__(extensions, _LOGIN, starttls=True)
        if timeouts is not None and not hasattr(timeouts, "final_reply"):
            raise InvalidConfiguration(f"timeouts={timeouts!r}", hint="Write timeouts=Timeouts(reply=30).")
        self._outbox: list[Mail] = []
        self._lock = ForkSafeLock()
        self._timeouts = timeouts
        self._unreachable = False
        self._taken: list[str] = []
        """Those for whom the mail was accepted that is being sent now."""
        self._engine: tuple[SmtpTransport, SimulatedRuntime] | None = None

    @property
    def outbox(self) -> list[Mail]:
        """The mails that were accepted, in order: message, envelope, and the content as it goes over the wire."""
        return self._outbox

    async def send(self, mail: Mail, runtime: Runtime) -> Receipt:
        """Keep ``mail``, with the files it had at this moment, or do what was scripted."""
        if mail.reads_files:
            await runtime.call(mail.hold)
        with self._lock:
            if self.script.empty and not self._unreachable:
                self._count += 1
                self._outbox.append(mail)
                return Receipt.of(mail, _KEPT)
            return self._played(mail, mail.deadline - runtime.now())

    async def close(self, runtime: Runtime) -> None:
        """End the connections of what was scripted."""
        with self._lock:
            if self._engine is not None:
                from smtpkit.runtime.driver import run

                run(self._engine[0].close(self._engine[1]))

    def clear(self) -> None:
        """Empty the outbox. What was scripted stays: `accept_all` forgets that."""
        self._outbox.clear()

    def accept_all(self) -> Self:
        """Forget all that was scripted: from now on every mail is taken."""
        self._unreachable = False
        return super().accept_all()

    def unreachable(self) -> Self:
        """Refuse connections: `ConnectFailed`. A `ScriptedServer` that was stopped does the same."""
        self._unreachable = True
        return self

    def __enter__(self) -> Self:
        substitute(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        end_substitution(self)

    def _played(self, mail: Mail, seconds: float) -> Receipt:
        """What comes of a conversation about ``mail``, which may take so many seconds."""
        from smtpkit.runtime.driver import run

        transport, runtime = self._engine = self._engine or self._started()
        timed = mail.only(mail.envelope.recipients)
        timed.deadline = runtime.now() + seconds
        self._taken.clear()
        receipt = run(transport.send(timed, runtime))
        taken = [each for each in mail.envelope.recipients if each.mailbox in self._taken]
        if taken:
            self._outbox.append(mail.only(taken))
        return receipt

    def _started(self) -> tuple[SmtpTransport, SimulatedRuntime]:
        from hashlib import sha256

        from smtpkit.runtime.simulated import SimulatedRuntime
        from smtpkit.smtp.timeouts import Timeouts
        from smtpkit.tls import Tls
        from smtpkit.transports.smtp import SmtpTlsTransport

        # The certificate of a simulated handshake is empty, and known by its fingerprint: no CAs are loaded.
        transport = SmtpTlsTransport(
            self.name,
            username=_LOGIN[0],
            password=_LOGIN[1],
            tls=Tls(fingerprints=sha256(b"").hexdigest()),
            timeouts=self._timeouts or Timeouts(),
        )
        return transport, SimulatedRuntime(self._dial)

    def _dial(self, host: str, port: int) -> Session:
        from smtpkit.testing.conversation import Session

        if self._unreachable:
            raise ConnectionRefusedError(111, "Connection refused")
        return Session(self)

    def _keep(self, mail: Accepted) -> str | None:
        self._taken.extend(mail.recipients)
        return None

    def __repr__(self) -> str:
        return f"<FakeTransport with {len(self._outbox)} mails>"
