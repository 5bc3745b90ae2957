"""The documentation as a site: built without a warning, and read in a browser at two widths."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser import Log, chromium
from tests.docs.pages import PAGES, ROOT, links

if TYPE_CHECKING:
    from playwright.sync_api import Browser

KINDS = ("", "gallery/", "commands/serve/", "reference/python/", "cluster/", "paper/")
OVERFLOWING = """() => [...document.querySelectorAll("article *")].filter(part => {
  if (part.getBoundingClientRect().right <= innerWidth + 1) return false;
  for (let at = part.parentElement; at; at = at.parentElement)
    if (getComputedStyle(at).overflowX !== "visible") return false;
  return true;
}).map(part => part.outerHTML.slice(0, 80))"""
"""What sticks out of the page, unless something around it scrolls."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", out],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    assert "WARNING" not in built.stderr
    return out


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def url(site: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object, **__: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_every_command_has_its_page(site: Path) -> None:
    text = (site / "commands" / "deblur" / "index.html").read_text()
    for option in ("--strength", "--overwrite", "--only-blurred"):
        assert f"<code>{option}" in text


def test_links_of_pages_beside_the_site_lead_to_files() -> None:
    beside = [page for page in (*PAGES, "CHANGELOG.md") if not page.startswith("docs/")]
    lost = [f"{page}: {link}" for page in beside for link in links(page)
            if not (ROOT / page).parent.joinpath(link).exists()]  # fmt: skip
    assert not lost


@pytest.mark.parametrize("width", [390, 1280])
def test_every_kind_of_page_fits_and_asks_no_other_host(
    browser: Browser, url: str, width: int
) -> None:
    tab = browser.new_page(viewport={"width": width, "height": 800})
    log = Log(tab)
    for page in KINDS:
        tab.goto(f"{url}/{page}", wait_until="load")
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, page
        assert tab.evaluate(OVERFLOWING) == [], page
    assert [asked for asked in log.requests if not asked.startswith(url)] == []
    assert log.complaints == []
    tab.close()


def test_dividers_move_by_keys_and_by_touch(browser: Browser, url: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    tab = context.new_page()
    tab.goto(f"{url}/gallery/")
    divider = tab.locator(".compare input").first
    divider.focus()
    tab.keyboard.press("ArrowLeft")
    assert divider.input_value() == "49"
    box = tab.locator(".compare .stage").first.bounding_box()
    assert box is not None
    tab.touchscreen.tap(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
    assert divider.input_value() == "25"
    context.close()
