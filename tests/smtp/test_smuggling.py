"""No second mail and no second command in what goes over the wire, whatever is given (SMTP smuggling).

The server here reads by the letter of RFC 5321: only CRLF ends a line, and a lone CR or LF anywhere is a failure. What
it took is compared with what was given; and no other reading of the line ends finds a second end of the content.
"""

from __future__ import annotations

import re
from email.message import EmailMessage
from email.message import Message as OldMessage
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from smtpkit import Envelope, Mail, Message, PlaintextSmtpTransport, RawMessage, SmtpkitError
from smtpkit.delivery import Delivery
from smtpkit.runtime.blocking import run
from smtpkit.runtime.simulated import Act, SimulatedRuntime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from smtpkit import Receipt
    from smtpkit.delivery import AnyMessage

EXTENSIONS = {
    "none": (),
    "PIPELINING": ("PIPELINING",),
    "CHUNKING": ("CHUNKING",),
    "both": ("PIPELINING", "CHUNKING"),
}
ALWAYS = ("8BITMIME", "SMTPUTF8", "DSN")
END = re.compile(rb"(?:\r\n|\r|\n)\.(?:\r\n|\r|\n)")
LONE = re.compile(rb"\r(?!\n)|(?<!\r)\n")


class StrictServer:
    """Takes mail, by the letter."""

    certificate = b""

    def __init__(self, *extensions: str) -> None:
        self.commands: list[str] = []
        self.contents: list[bytes] = []
        """What was taken, without the dots that were added."""
        self._extensions = (*extensions, *ALWAYS)
        self._heard = bytearray()
        self._chunks = bytearray()
        self._data = False
        self._greeted = False

    def secure(self) -> bool:
        return False

    def hear(self, data: bytes) -> Iterator[Act]:
        if not self._greeted:
            self._greeted = True
            yield Act(b"220 strict.test\r\n")
        self._heard += data
        while (answer := self._content() if self._data else self._command()) is not None:
            yield Act("".join(f"{line}\r\n" for line in answer).encode())

    def _content(self) -> list[str] | None:
        wire = b"\r\n" + self._heard
        end = wire.find(b"\r\n.\r\n")
        if end < 0:
            return None
        content, self._heard = wire[: end + 2], bytearray(wire[end + 5 :])
        assert not LONE.search(content)
        assert [found.start() for found in END.finditer(content + b".\r\n")] == [end]
        self._take(content.replace(b"\r\n.", b"\r\n")[2:])
        self._data = False
        return ["250 taken"]

    def _take(self, content: bytes) -> None:
        assert not LONE.search(content)
        self.contents.append(bytes(content))

    def _command(self) -> list[str] | None:
        line, end, rest = self._heard.partition(b"\r\n")
        if not end:
            return None
        command = line.decode()
        assert command.isprintable(), command
        if command.startswith("BDAT "):
            return self._chunk(command.split(), rest)
        self._heard = rest
        self.commands.append(command)
        verb = command.partition(" ")[0]
        if verb == "EHLO":
            return ["250-strict.test", *(f"250-{each}" for each in self._extensions), "250 HELP"]
        self._data = verb == "DATA"
        return ["354 go on" if self._data else "221 bye" if verb == "QUIT" else "250 ok"]

    def _chunk(self, words: list[str], rest: bytearray) -> list[str] | None:
        size = int(words[1])
        if len(rest) < size:
            return None
        self._chunks += rest[:size]
        self._heard = rest[size:]
        if words[2:] == ["LAST"]:
            self._take(bytes(self._chunks))
            self._chunks = bytearray()
        return ["250 ok"]


def sent(server: StrictServer, *messages: AnyMessage, **options: Any) -> list[Receipt]:
    """The receipts of ``messages``, which go over one connection, as many at a time as it has room for."""
    runtime = SimulatedRuntime(lambda host, port: server)
    given_options: dict[str, Any] = {"local_hostname": "me.test", **options}
    transport = PlaintextSmtpTransport("strict.test", **given_options)
    delivery = Delivery(transport, default_from=None, limits=(), retry=None, on_partial="return", provider=None)

    async def all_of_them() -> list[Receipt]:
        if len(messages) == 1:
            return [await delivery.deliver(messages[0], None, runtime)]
        carrier = transport.carrier(runtime, 1, 8)
        receipts: list[Receipt] = []
        for message in messages:
            while not carrier.room:
                receipts.append(await carrier.take())
            assert isinstance(message, (Message, RawMessage))
            await carrier.put(Mail(message))
        while len(receipts) < len(messages):
            receipts.append(await carrier.take())
        carrier.release()
        return receipts

    try:
        return run(all_of_them())
    finally:
        run(transport.close(runtime))


def as_taken(receipt: Receipt, offered: str) -> bytes:
    """What a server has after it took the mail: by DATA the last line has its end (RFC 5321 §4.1.1.4)."""
    content = receipt.message.as_bytes()
    whole = content.endswith(b"\r\n") or "CHUNKING" in EXTENSIONS[offered]
    return content if whole else content + b"\r\n"


# -- contents ------------------------------------------------------------------------

BASE = Message().from_("a@a.test").to("b@b.test").message_id("<1@a.test>")
ATTACK = "\r\n.\r\nMAIL FROM:<eve@a.test>\r\nRCPT TO:<b@b.test>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\n"
PIECES = ["\r\n", "\r", "\n", ".", "..", "a", " ", "é", "\r\n.\r\n", "\n.\n", "\r.\r", "\n.\r\n", "\r\n.\n", "\r\n.\r"]
TEXTS = st.one_of(
    st.lists(st.sampled_from([*PIECES, ATTACK, "x" * 1000]), max_size=15).map("".join), st.text(max_size=40)
)
OCTETS = st.one_of(TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")), st.binary(max_size=200))
CUTS = st.lists(st.integers(0, 40), max_size=8)
HEAD = b"From: a@a.test\r\nTo: b@b.test\r\nMessage-ID: <1@a.test>\r\n\r\n"


def factory(data: bytes, cuts: list[int]) -> Callable[[], Iterable[bytes]]:
    """A source that gives ``data`` in chunks that end at ``cuts``."""
    at = sorted({0, *(cut for cut in cuts if cut < len(data)), len(data)})
    return lambda: [data[start:end] for start, end in pairwise(at)]


def email(data: bytes, encoding: str | None) -> Any:
    """An e-mail of the standard library whose body is as it was given."""
    message: OldMessage = OldMessage()
    for name, field in (("From", "a@a.test"), ("To", "b@b.test"), ("Content-Type", "text/plain; charset=utf-8")):
        message[name] = field
    if encoding is not None:
        message["Content-Transfer-Encoding"] = encoding
    message.set_payload(data.decode("ascii", "surrogateescape"))
    return message


def new_email(text: str, attached: bytes) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = "a@a.test", "b@b.test"
    message.set_content(text)
    message.add_attachment(attached, maintype="application", subtype="octet-stream", filename="x")
    return message


SOURCES: dict[str, Callable[[str, bytes, list[int]], AnyMessage]] = {
    "text": lambda text, _, __: BASE.text(text),
    "html": lambda text, _, __: BASE.text("x").html(text),
    "alternative": lambda text, _, __: BASE.text("x").alternative(text, "text/x-amp-html"),
    "alternative octets": lambda _, data, __: BASE.text("x").alternative(data, "text/x-amp-html; charset=utf-8"),
    "calendar": lambda text, _, __: BASE.calendar(f"BEGIN:VCALENDAR\nMETHOD:REQUEST\nSUMMARY:{text}\nEND:VCALENDAR\n"),
    "attachment": lambda text, data, _: BASE.text(text).attach(data, filename="x.bin"),
    "text file": lambda _, data, __: BASE.attach(data, filename="x.txt", content_type="text/plain"),
    "factory": lambda _, data, cuts: BASE.attach(factory(data, cuts), filename="x", size=len(data)),
    "factory without size": lambda _, data, cuts: BASE.attach(factory(data, cuts), filename="x.txt"),
    "enclosed": lambda text, data, _: BASE.attach(BASE.text(text).attach(data, filename="x")),
    "enclosed octets": lambda _, data, __: BASE.text("x").attach(RawMessage(HEAD + data)),
    "enclosed e-mail": lambda _, data, __: BASE.text("x").attach(email(data, "8bit")),
    "raw": lambda _, data, __: RawMessage(HEAD + data),
    "raw, its header": lambda text, data, _: RawMessage(b"Subject: " + text.encode("utf-8", "replace") + HEAD + data),
    "e-mail": lambda _, data, __: email(data, None),
    "e-mail 7bit": lambda _, data, __: email(data, "7bit"),
    "e-mail 8bit": lambda _, data, __: email(data, "8bit"),
    "e-mail binary": lambda _, data, __: email(data, "binary"),
    "e-mail base64": lambda _, data, __: email(data, "base64"),
    "new e-mail": lambda text, data, _: new_email(text, data),
}


@pytest.mark.parametrize("offered", EXTENSIONS)
@pytest.mark.parametrize("source", SOURCES)
@settings(max_examples=25)
@given(TEXTS, OCTETS, CUTS)
@example(ATTACK, ATTACK.encode(), [2, 3, 4])
@example("a\n.\nb", b"a\r\n.\r\nb", [1, 2, 3, 4, 5])
@example("\r.\r", b"\r.\r", [1])
@example("\n.\r\nb", b"\n.\r\nb", [2])
@example(".", b".", [])
@example("", b"", [])
def test_a_server_gets_what_was_given_and_nothing_else(
    source: str, offered: str, text: str, data: bytes, cuts: list[int]
) -> None:
    server = StrictServer(*EXTENSIONS[offered])
    try:
        message = SOURCES[source](text, data, cuts)
        (receipt,) = sent(server, message)
    except SmtpkitError:
        assert server.contents == []
        return
    if receipt.ok:
        assert server.contents == [as_taken(receipt, offered)]
    else:
        assert set(receipt.not_sent) == set(receipt.outcomes)
        assert server.contents == []
    verbs = [command.partition(" ")[0] for command in server.commands]
    assert verbs.count("MAIL") == verbs.count("RCPT") == (1 if receipt.ok else 0)


@pytest.mark.parametrize("offered", EXTENSIONS)
@settings(max_examples=25)
@given(st.lists(OCTETS, min_size=2, max_size=6))
@example([b"a", b".", b"\r\n.\r\n", b"a\r\n.\r\nb\r\n", b"."])
def test_a_batch_gives_each_mail_once(offered: str, bodies: list[bytes]) -> None:
    server = StrictServer(*EXTENSIONS[offered])
    messages: list[Message | RawMessage] = []
    for number, body in enumerate(bodies):
        try:
            messages.append(RawMessage(HEAD.replace(b"<1@", b"<%d@" % number) + body))
        except SmtpkitError:
            messages.append(BASE.text(body.decode("latin-1")))
    receipts = sent(server, *messages)
    assert [receipt.error for receipt in receipts] == [None] * len(bodies)
    assert server.contents == [as_taken(receipt, offered) for receipt in receipts]


@pytest.mark.parametrize("offered", EXTENSIONS)
@pytest.mark.parametrize("shift", range(5))
@pytest.mark.parametrize("line", [b".", b"..", b"", b"x."])
def test_dots_at_the_edges_of_blocks(offered: str, shift: int, line: bytes) -> None:
    """A content is written in blocks: an edge comes between any two octets of these lines."""
    server = StrictServer(*EXTENSIONS[offered])
    (receipt,) = sent(
        server, RawMessage(HEAD + b"x" * shift + b"\r\n" + (line + b"\r\n") * (150_000 // (len(line) + 2)))
    )
    assert receipt.ok
    assert server.contents == [as_taken(receipt, offered)]


# -- commands ------------------------------------------------------------------------

HOSTILE = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [
            "a\r\nRCPT TO:<eve@a.test>",
            "a@a.test>\r\nRCPT TO:<eve@a.test",
            "a@a.test> SIZE=1 RET=FULL",
            "a\nb",
            "a\rb",
            "a\0b",
            "a b",
            "a>b",
            "a\u2028b",
            "a\x85b",
            '"a\r\nb"',
            '"a> b"',
            "x+0D+0Ay",
            "@relay.test:a",
            "é",
            "\udc0a",
        ]
    ),
)
PLACES: dict[str, Callable[[str], tuple[AnyMessage, dict[str, Any]]]] = {
    "sender": lambda text: (BASE.text("x").return_path(f"{text}@a.test"), {}),
    "sender as it is": lambda text: (BASE.text("x").return_path(text), {}),
    "recipient": lambda text: (BASE.text("x").to(f"{text}@b.test"), {}),
    "recipient as it is": lambda text: (BASE.text("x").bcc(text), {}),
    "recipient's domain": lambda text: (BASE.text("x").cc(f"c@{text}"), {}),
    "envelope id": lambda text: (BASE.text("x").dsn(envelope_id=text), {}),
    "original recipient": lambda text: (
        BASE.text("x").dsn("delay", recipient="b@b.test", original_recipient=text),
        {},
    ),
    "original recipient's type": lambda text: (
        BASE.text("x").dsn("delay", recipient="b@b.test", original_recipient=f"{text};b@b.test"),
        {},
    ),
    "EHLO": lambda text: (BASE.text("x"), {"local_hostname": text}),
}


@pytest.mark.parametrize("place", PLACES)
@given(HOSTILE)
def test_commands_have_one_line_and_their_own_parameters(place: str, text: str) -> None:
    server = StrictServer("PIPELINING")
    try:
        message, options = PLACES[place](text)
        (receipt,) = sent(server, message, **options)
    except SmtpkitError:
        assert server.commands == []
        return
    assert receipt.ok, receipt.error
    verbs = [command.partition(" ")[0] for command in server.commands]
    recipients = len(receipt.outcomes)
    assert verbs == ["EHLO", "MAIL", *["RCPT"] * recipients, "DATA", "QUIT"]
    assert re.fullmatch(r"EHLO \S+", server.commands[0])
    mailbox = r'<(?:[^\s"<>\\]|"(?:[^"\\]|\\.)*")+>'
    parameters = r"(?: [A-Z0-9]+(?:=[!-<>-~]+)?)*"
    assert re.fullmatch(f"MAIL FROM:{mailbox}{parameters}", server.commands[1])
    for command in server.commands[2 : 2 + recipients]:
        assert re.fullmatch(f"RCPT TO:{mailbox}{parameters}", command)
    names = [word.partition("=")[0] for command in server.commands[1:-2] for word in _parameters(command)]
    assert set(names) <= {"SIZE", "BODY", "SMTPUTF8", "ENVID", "NOTIFY", "ORCPT"}
    assert len(names) <= 4 + 2 * recipients


def _parameters(command: str) -> list[str]:
    return re.sub(r'"(?:[^"\\]|\\.)*"', "", command).partition(">")[2].split()


@given(HOSTILE, HOSTILE)
def test_an_envelope_of_its_own(sender: str, recipient: str) -> None:
    server = StrictServer()
    try:
        envelope = Envelope(sender, [recipient])
    except SmtpkitError:
        return
    transport = PlaintextSmtpTransport("strict.test", local_hostname="me.test")
    receipt = run(transport.send(Mail(BASE.text("x"), envelope), SimulatedRuntime(lambda host, port: server)))
    assert receipt.ok, receipt.error
    assert [command.partition(" ")[0] for command in server.commands] == ["EHLO", "MAIL", "RCPT", "DATA"]
