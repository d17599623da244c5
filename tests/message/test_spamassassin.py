"""SpamAssassin finds nothing wrong with how our mails are built: structure, header fields, encodings."""

from __future__ import annotations

from pathlib import Path

import pytest

from needs import lacking
from readers.spamassassin import find_spamassassin, rules_hit
from smtpkit import Address, Message

GOLDEN = Path(__file__).parent / "golden"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63606060f80f00010401005fe5c34b"
    "0000000049454e44ae426082"
)
PARAGRAPH = (
    "Hello Bob, thank you for your order of last Monday. It has left our warehouse this morning and should be with you"
    " by the end of the week. If anything is missing, simply answer this mail and we will look into it together."
)
GERMAN = (
    "Hallo Björn, vielen Dank für Ihre Bestellung. Die Bücher sind heute früh auf den Weg gegangen und müssten bis"
    " zum Wochenende bei Ihnen sein. Falls etwas fehlt, genügt eine kurze Rückmeldung auf diese Nachricht."
)
JAPANESE = "ご注文ありがとうございます。商品は今朝発送いたしました。週末までにお手元に届く予定です。" * 3
BASE = Message().from_("Ann Miller <ann@example.com>").to("Bob Doe <bob@example.net>").subject("Your order has left us")
HTML = f"<!DOCTYPE html><html><head><title>Your order</title></head><body><p>{PARAGRAPH}</p></body></html>"
SHOWN = HTML.replace("</p>", '</p><p><img src="cid:logo" alt="Logo" width="120" height="40"></p>')
CALENDAR = (
    "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//y//EN\nMETHOD:REQUEST\nBEGIN:VEVENT\nUID:1@example.com\n"
    "DTSTAMP:20261102T093000Z\nDTSTART:20261103T120000Z\nSUMMARY:Lunch\nORGANIZER:mailto:ann@example.com\n"
    "ATTENDEE;RSVP=TRUE:mailto:bob@example.net\nEND:VEVENT\nEND:VCALENDAR\n"
)

SAMPLES: dict[str, Message] = {
    "text": BASE.text(PARAGRAPH),
    "lines": BASE.text(PARAGRAPH.replace(". ", ".\n\n") + "\n-- \nAnn\n"),
    "long-line": BASE.text(f"{PARAGRAPH} " * 10),
    "quoted-printable": BASE.subject("Ihre Bestellung ist unterwegs – mit Grüßen").text(GERMAN),
    "base64": BASE.subject("ご注文の商品を発送いたしました。ありがとうございます").text(JAPANESE),
    "japanese-html": BASE.subject("発送のお知らせ").text(JAPANESE).html(HTML.replace(PARAGRAPH, JAPANESE)),
    "emoji": BASE.subject("Your order is on its way 🎉").text(f"{PARAGRAPH} 🎉"),
    "html": BASE.html(HTML),
    "alternative": BASE.text(PARAGRAPH).html(HTML),
    "related": BASE.html(SHOWN).embed(PNG, cid="logo", filename="logo.png"),
    "related-alternative": BASE.text(PARAGRAPH).html(SHOWN).embed(PNG, cid="logo", filename="logo.png"),
    "mixed": BASE.text(PARAGRAPH).attach(b"%PDF-1.4\n" * 500, filename="Invoice 4711.pdf"),
    "mixed-names": BASE.text(PARAGRAPH).attach(b"a,b\n" * 50, filename="Übersicht – 報告.csv").attach(b"x" * 2000),
    "everything": (
        BASE.text(PARAGRAPH)
        .html(SHOWN)
        .embed(PNG, cid="logo", filename="logo.png")
        .attach(b"%PDF-1.4\n" * 500, filename="Invoice 4711.pdf")
    ),
    "file-only": BASE.attach(b"%PDF-1.4\n" * 500, filename="Invoice 4711.pdf"),
    "calendar": BASE.text(PARAGRAPH).html(HTML).calendar(CALENDAR),
    "amp": BASE.text(PARAGRAPH)
    .alternative(f"<!doctype html><html ⚡4email><p>{PARAGRAPH}", "text/x-amp-html")
    .html(HTML),
    "enclosed": BASE.text(PARAGRAPH).attach(BASE.text(PARAGRAPH).html(HTML), filename="order.eml"),
    "list": BASE.text(PARAGRAPH).list_unsubscribe("https://example.com/leave?id=12345", "leave@example.com"),
    "answer": BASE.subject("Re: Your order").text(PARAGRAPH).in_reply_to(BASE.completed()).priority("high"),
    "names": (
        BASE.from_("Änne Müller <ann@bücher.example>")
        .sender(Address("office@bücher.example", "Doe, Office"))
        .reply_to("山田太郎 <yamada@example.jp>")
        .cc(Address(f"{name}@example.net", f"{name.title()} Ünal") for name in ("anton", "berta", "caesar", "dora"))
        .text(PARAGRAPH)
    ),
    "long-subject": BASE.subject("A subject of many words that goes on and on " * 5 + "until it ends").text(PARAGRAPH),
    "own-fields": BASE.text(PARAGRAPH).header("X-Campaign", "Frühling 2027").auto_submitted("auto-generated"),
}

# Rules that are not about how a mail is built.
ABOUT_CONTENT = {
    "HTML_MESSAGE": "there is HTML in it",
    "HTML_IMAGE_ONLY_04": "an image and hardly any text",
    "TVD_SPACE_RATIO": "a text of a few words",
}
# Rules about what the golden files have on purpose.
ABOUT_GOLDEN = {
    **ABOUT_CONTENT,
    "MSGID_SHORT": "their ids are <1@example.com>; those that we make are not short",
    "SUSPICIOUS_RECIPS": "person0@example.com, person1@example.com, ...",
}


@pytest.fixture(scope="module")
def hit(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The rules of all mails, asked at once: the program takes long to start."""
    program = find_spamassassin()
    if program is None:
        lacking("SpamAssassin is not installed here", "SMTPKIT_REQUIRE_SPAMASSASSIN")
    mails = {f"golden-{path.stem}": path.read_bytes() for path in GOLDEN.iterdir()}
    mails |= {name: message.as_bytes() for name, message in SAMPLES.items()}
    mails["broken"] = b"From: ann@example.com\r\n\r\nHello"
    return rules_hit(program, mails, tmp_path_factory.mktemp("spamassassin"))


@pytest.mark.parametrize("name", SAMPLES)
def test_sample(hit: dict[str, set[str]], name: str) -> None:
    # Whoever gives HTML without text gets just that.
    html_only = SAMPLES[name].fields.keys() & {"html", "text"} == {"html"}
    assert hit[name] - ABOUT_CONTENT.keys() == ({"MIME_HTML_ONLY"} if html_only else set())


@pytest.mark.parametrize("name", sorted(path.stem for path in GOLDEN.iterdir()))
def test_golden_file(hit: dict[str, set[str]], name: str) -> None:
    assert hit[f"golden-{name}"] - ABOUT_GOLDEN.keys() == set()


def test_what_is_missing_is_found(hit: dict[str, set[str]]) -> None:
    assert {"MISSING_HEADERS", "MISSING_SUBJECT", "MISSING_MID", "MISSING_DATE"} <= hit["broken"]
