"""The pages in a real browser: nothing of a mail runs or loads, and all of it can be seen at any width."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from remote import Remote
from smtpkit import Message, preview

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import BrowserContext, Page

pytest_plugins = ("browser",)

LOGO = Path(__file__).parents[2] / "examples/files/logo.png"
HOSTILE = """
<html><head>
<base href="$remote/base/"><meta http-equiv="refresh" content="0;url=$remote/refresh">
<meta name="referrer" content="unsafe-url">
<link rel="stylesheet" href="$remote/sheet.css"><link rel="preconnect" href="$remote">
<LINK rel="prefetch" href="$remote/prefetch"><link/rel="dns-prefetch" href="$remote"><link rel="preload" as="image"
href="$remote/preload.png"><link rel="modulepreload" href="$remote/m.js"><link rel="icon" href="$remote/icon.png">
<link rel="manifest" href="$remote/manifest.json"><link rel="prerender" href="$remote/prerender">
<style>@import "$remote/import.css"; @font-face { font-family: f; src: url($remote/font.woff2) }
body { background: url($remote/background.png); font-family: f } p::after { content: url($remote/content.png) }</style>
</head><body background="$remote/body.png" onload="$run">
<script>$run</script><script src="$remote/script.js"></script><script type="module">import "$remote/module.js"</script>
<img src="$remote/image.png" srcset="$remote/set.png 2x" onerror="$run"><img src="x:" onerror="$run">
<picture><source srcset="$remote/source.png"><img src="data:,x" onerror="$run"></picture>
<svg onload="$run"><script>$run</script><image href="$remote/svg.png"/><use href="$remote/use.svg#a"/>
<animate attributeName="href" values="javascript:$run"/></svg>
<img src="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'><image href='$remote/inner.png'/></svg>">
<iframe src="$remote/frame"></iframe><iframe srcdoc="<script>$run</script><img src='$remote/nested.png'>"></iframe>
<iframe src="javascript:$run"></iframe><object data="$remote/object"></object><embed src="$remote/embed">
<video src="$remote/video" poster="$remote/poster.png" autoplay></video><audio src="$remote/audio" autoplay></audio>
<input type="image" src="$remote/input.png"><details open ontoggle="$run">x</details><marquee onstart="$run">x</marquee>
<form action="$remote/form" method="post"><input name="a" autofocus onfocus="$run">
<button id="submit">Go</button></form>
<p>text</p><a id="script" href="javascript:$run">script</a><a id="ping" ping="$remote/ping" href="#here">ping</a>
<a id="same" target="_self" href="$remote/self">same frame</a><a id="top" target="_top" href="$remote/top">top</a>

<div><template shadowrootmode="open"><link rel="preconnect" href="$remote"><img src="$remote/shadow.png">
</template></div>
<script type="speculationrules">{"prefetch": [{"urls": ["$remote/speculation"]}]}</script>
<ul style="list-style: url($remote/list.png); cursor: url($remote/cursor.png), auto"><li>x</ul>
<p style="background: image-set('$remote/set1.png' 1x); border-image: url($remote/border.png) 1;
--x: url($remote/x.png)">
<video><track src="$remote/track.vtt" default></video><svg><style>@import url($remote/svg.css);</style>
<foreignObject><iframe src="$remote/foreign"></iframe></foreignObject>
<meta http-equiv="refresh" content="0;url=$remote/m">
<feImage href="$remote/fe.png"/></svg><math><mtext><link rel="preconnect" href="$remote"></mtext></math>
<link\frel="preconnect" href="$remote"><LiNk\trel='preconnect' href=$remote>
<li<link rel="preconnect" href="$remote"><fencedframe src="$remote/fenced"></fencedframe>
<portal src="$remote/portal"></portal>
<template><img src="$remote/template.png"></template><noscript><img src="$remote/noscript.png"></noscript>
</textarea></iframe>"'><script>$run</script><img src='$remote/outside.png' onerror="$run">
"""
RUN = "top.document.title='run'; document.title='run'; parent.postMessage('run','*'); fetch('$remote/fetch')"


@pytest.fixture
def remote() -> Iterator[Remote]:
    """The rest of the world."""
    with Remote() as server:
        yield server


@pytest.fixture
def page(chromium: BrowserContext) -> Iterator[Page]:
    """A tab."""
    tab = chromium.new_page()
    yield tab
    tab.close()


def hostile(remote: Remote) -> Message:
    """A mail that tries everything, in the header as well."""
    html = HOSTILE.replace("$run", RUN.replace('"', "&quot;")).replace("$remote", remote.url)
    injected = f"</title></h2><script>document.title='run'</script><img src={remote.url}/subject.png>"
    mail = Message().from_(f'"<img src={remote.url}/from.png>" <a@example.com>').to("b@example.com").subject(injected)
    mail = mail.header("X-Evil", f'"><img src="{remote.url}/header.png" onerror="document.title=1">').html(html)
    mail = mail.text(f"</pre><script>document.title='run'</script><img src={remote.url}/text.png>")
    page = f"<script>fetch('{remote.url}/file')</script>".encode()
    return mail.attach(page, filename='"><img src=x onerror=1>.html', content_type="text/html")


def look_at(page: Page, url: str) -> None:
    """Open a page with a hostile mail: of what is blocked in it Chromium sometimes waits for something for ever."""
    page.goto(url, wait_until="domcontentloaded")


def test_the_world_would_notice(page: Page, remote: Remote, tmp_path: Path) -> None:
    """Without a preview around it, the same HTML does load and run: so the other tests can fail."""
    html = tmp_path / "bare.html"
    html.write_text(HOSTILE.replace("$run", RUN).replace("$remote", remote.url).replace("http-equiv", "x"), "utf-8")
    page.goto(html.as_uri(), wait_until="load")
    page.wait_for_function("document.title === 'run'")
    assert {"/image.png", "/script.js", "/frame"} <= {request.partition("?")[0] for request in remote.requests} | {
        request.replace("/base", "") for request in remote.requests
    }


@pytest.mark.parametrize("width", [1280, 390])
def test_a_hostile_mail_can_neither_run_nor_load(page: Page, remote: Remote, tmp_path: Path, width: int) -> None:
    path = preview.show([hostile(remote), hostile(remote)], open=False, path=tmp_path / "page.html")
    page.set_viewport_size({"width": width, "height": 800})
    look_at(page, f"{path.as_uri()}#mail-2")
    page.evaluate("told = []; addEventListener('message', (event) => told.push(String(event.data)))")
    letter = page.locator("#mail-2")
    frame = letter.frame_locator("iframe")
    frame.locator("portal").wait_for(state="attached")
    for view in ("text", "header", "structure", "source", "html"):
        letter.locator(f"label[for=mail-2-to-{view}]").click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # Two frames later whatever the page begins has begun.
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert (remote.requests, remote.connections) == ([], 0)
    # For a link that somebody clicks Chromium may connect before it finds that it must not go there.
    for name in ("submit", "script", "ping", "top", "same"):
        frame.locator(f"#{name}").click(force=True)
    assert page.title() == "Inbox (2)"
    assert page.url == path.as_uri() + "#mail-2"
    assert page.evaluate("told") == []
    popups = [each for each in page.context.pages if each not in (page, page.context.pages[0])]
    opened = {each.url for each in popups}
    for each in popups:
        each.close()
    assert (remote.requests, opened) == ([], set())


def test_what_is_not_loaded_is_said(page: Page, remote: Remote, tmp_path: Path) -> None:
    look_at(page, preview.show(hostile(remote), open=False, path=tmp_path / "page.html").as_uri())
    note = page.locator(".note.blocked").inner_text()
    assert remote.url.removeprefix("http://") in note
    assert "are not loaded here" in note


def test_a_link_opens_in_a_tab_of_its_own(page: Page, remote: Remote, tmp_path: Path) -> None:
    mail = Message().html(f'<a href="{remote.url}/wanted">look</a>')
    page.goto(preview.show(mail, open=False, path=tmp_path / "page.html").as_uri())
    with page.expect_popup() as popup:
        page.frame_locator("iframe").locator("a").click()
    popup.value.wait_for_load_state()
    assert "/wanted" in remote.requests
    assert popup.value.evaluate("document.referrer") == ""
    popup.value.close()


def test_inline_images_are_shown(page: Page, tmp_path: Path) -> None:
    mail = Message().html('<img id="a" src="cid:dot%40x"><img id="b" src="cid:gone">').embed(LOGO, cid="dot@x")
    page.goto(preview.show(mail, open=False, path=tmp_path / "page.html").as_uri())
    frame = page.frame_locator("iframe")
    frame.locator("#a").wait_for(state="attached")
    widths = [
        frame.locator(f"#{name}").evaluate("image => image.decode().then(() => image.naturalWidth, () => 0)")
        for name in "ab"
    ]
    assert widths[0] > 0 == widths[1]


def test_files_can_be_saved(page: Page, tmp_path: Path) -> None:
    mail = Message().from_("a@example.com").to("b@example.com").text("x").attach(b"\0\1\2", filename="Zahlen ä.bin")
    page.goto(preview.show(mail, open=False, path=tmp_path / "page.html").as_uri())
    with page.expect_download() as download:
        page.get_by_text("Download", exact=True).first.click()
    assert download.value.suggested_filename == "Zahlen ä.bin"
    assert download.value.path().read_bytes() == b"\0\1\2"


LONG = "W" * 300
LAYOUTS: list[tuple[str, Message]] = [
    ("long words", Message().subject(LONG).text(LONG).header("X-Long", LONG).attach(b"", filename=LONG[:200])),
    ("many", Message().to(*(f"person{number}@example.com" for number in range(60))).text("x")),
    ("wide", Message().html('<table width="3000"><tr><td>x</table>').text("x")),
    ("empty", Message()),
]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize(("name", "mail"), LAYOUTS)
def test_nothing_is_wider_than_the_window(page: Page, tmp_path: Path, name: str, mail: Message, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for path in (
        preview.show(mail, open=False, path=tmp_path / f"{name}.html"),
        preview.show([mail, mail], open=False, path=tmp_path / f"{name} twice.html"),
    ):
        page.goto(path.as_uri())
        if "twice" in path.name:
            page.locator("#rows a").first.click()
        for label in page.locator("article:visible fieldset label").all():
            label.click()
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), label.inner_text()


def test_the_inbox_shows_the_mail_that_is_chosen(page: Page, tmp_path: Path) -> None:
    mails = [Message().subject(f"Number {number}").text("x") for number in (1, 2, 3)]
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(preview.show(mails, open=False, path=tmp_path / "page.html").as_uri())
    assert page.locator("h2:visible").all_inner_texts() == ["Number 3"]
    page.get_by_text("Number 1").first.click()
    assert page.locator("h2:visible").all_inner_texts() == ["Number 1"]
    page.set_viewport_size({"width": 390, "height": 800})
    page.get_by_text("All mails").locator("visible=true").click()
    assert page.locator("h2:visible").all_inner_texts() == []
    assert page.locator("#rows a:visible").count() == 3


def test_it_can_be_used_by_keyboard_and_without_eyes(page: Page, tmp_path: Path) -> None:
    mail = Message().subject("Hello").text("some text").html("<p>x")
    page.goto(preview.show(mail, open=False, path=tmp_path / "page.html").as_uri())
    assert page.get_by_role("heading", name="Hello").count() == 1
    chosen = page.get_by_role("radio", name="HTML")
    chosen.focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("radio", name="Text").is_checked()
    assert page.get_by_role("region", name="Text").get_by_text("some text").is_visible()


CONTRAST = """() => {
  const luminance = (color) => {
    const [r, g, b] = color.match(/[\\d.]+/g).slice(0, 3).map((each) => {
      const c = each / 255;
      return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (color !== "rgba(0, 0, 0, 0)") return color;
    }
  };
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    const text = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!text || !element.checkVisibility()) continue;
    const [a, b] = [getComputedStyle(element).color, ground(element)].map(luminance).sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) poor.push(element.className + ": " + element.textContent.slice(0, 40));
  }
  return poor;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_is_that_of_wcag_aa(page: Page, remote: Remote, tmp_path: Path, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    mails = [hostile(remote), Message().text("x")]
    look_at(page, preview.show(mails, open=False, path=tmp_path / "page.html").as_uri())
    page.locator("#rows a").nth(1).click()
    assert page.evaluate(CONTRAST) == []
