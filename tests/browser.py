"""A real browser for tests of pages: Chromium or Chrome, as the system has it, without a window."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser; skips the test where there is none, or no Playwright to drive it."""
    api = pytest.importorskip("playwright.sync_api", reason="needs Playwright")
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("needs Chromium or Chrome on the PATH")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


class Log:
    """What a page asked for and complained of, from the moment on that it is watched.

    Attributes:
        requests: URLs, without the data in the page itself.
        complaints: errors and warnings on its console, and exceptions.
    """

    def __init__(self, page: Page) -> None:
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self._add(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text))

    def _add(self, url: str) -> None:
        if not url.startswith("data:"):
            self.requests.append(url)


class Opened:
    """The page of unblur in a context of its own, and what it asked for and complained of.

    Args:
        patience: milliseconds that a busy machine may take for anything.
        context: of the browser, besides or instead of a desktop's.
    """

    def __init__(self, browser: Browser, url: str, patience: int, **context: Any) -> None:
        given = {"viewport": {"width": 1200, "height": 800}, "reduced_motion": "reduce"}
        self.context = browser.new_context(**{**given, **context})
        self.tab: Page = self.context.new_page()
        self.tab.set_default_timeout(patience)
        self.log = Log(self.tab)
        self.url = url
        self.tab.goto(url)

    def give(self, *paths: Path) -> None:
        self.tab.set_input_files(".unblur .files", list(paths))

    def wait(self, done: int = 1) -> None:
        self.tab.wait_for_function(
            "n => document.querySelectorAll('.mark[data-state=done]').length >= n", arg=done
        )

    def close(self) -> None:
        """Ends it; it must have asked no other host for anything, nor complained."""
        foreign = [url for url in self.log.requests if not url.startswith((self.url, "blob:"))]
        assert foreign == []
        assert self.log.complaints == []
        self.context.close()


def address(path: Path) -> str:
    """Where a double click on a file leads."""
    return path.resolve().as_uri()
