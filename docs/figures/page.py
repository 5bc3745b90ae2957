"""Take the pictures of docs/serve.md and docs/web.md: the page in both its homes.

    python -m docs.figures.page

starts a server, builds the site, drives Chromium through Playwright, and writes
docs/images/serve-*.jpg and web-*.jpg.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from experiments import IMAGES, ROOT
from PIL import Image
from tests.browser import chromium
from tests.serve.server import Server
from tests.web.site import ISOLATING, Host, build

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
GAP = 32


def main() -> None:
    try:
        with (
            chromium() as browser,
            tempfile.TemporaryDirectory() as folder,
            Server(Path(folder) / "jobs") as server,
            Host(build(Path(folder) / "site"), ISOLATING) as host,
        ):
            draw(browser, server.url)
            draw_site(browser, host.url)
    except pytest.skip.Exception as reason:
        sys.exit(f"docs.figures.page: {reason}")


def draw(browser: Browser, url: str) -> None:
    page = _opened(browser, url, **DESK)
    _give(page, "coffee", "chelsea", "astronaut", "text_motion")
    page.locator(".cut").fill("46")
    page.locator(".cut").blur()
    _save(_image(page), "serve-desktop")

    dark = _opened(browser, url, **DESK, color_scheme="dark")
    _give(dark, "chelsea", "coffee", "astronaut", "text_motion")
    dark.get_by_label("Strength").fill("70")
    dark.get_by_label("Strength").blur()
    _save(_image(dark), "serve-dark")

    _save(_phones(browser, url), "serve-phone")


def draw_site(browser: Browser, url: str) -> None:
    page = _opened(browser, url, **DESK)
    _give(page, "coffee", "chelsea", "text_motion", badges=False)
    page.locator(".cut").fill("46")
    page.locator(".cut").blur()
    _save(_image(page), "web-desktop")
    _save(_phones(browser, url, badges=False), "web-phone")


def _phones(browser: Browser, url: str, badges: bool = True) -> Image.Image:
    """A phone in the light, and twice in the dark, side by side."""
    phones = []
    for scheme in ("light", "dark"):
        phone = _opened(browser, url, **PHONE, color_scheme=scheme)
        if scheme == "dark":
            phones.append(_image(phone))
        _give(phone, "astronaut", "coffee", "chelsea", badges=badges)
        phones.append(_image(phone))
    width = sum(image.width + GAP for image in phones) - GAP
    sheet = Image.new("RGB", (width, phones[0].height), (128, 128, 128))
    for index, image in enumerate(phones):
        sheet.paste(image, (index * (image.width + GAP), 0))
    size = sheet.width * 2 // 3, sheet.height * 2 // 3
    return sheet.resize(size, Image.Resampling.LANCZOS)


def _opened(browser: Browser, url: str, **context: Any) -> Page:
    page = browser.new_context(reduced_motion="reduce", **context).new_page()
    page.goto(url)
    page.wait_for_selector(".unblur .limits:not(:empty)")
    page.wait_for_timeout(500)
    return page


def _give(page: Page, *names: str, badges: bool = True) -> None:
    """Hand the page example photos and wait for their results, and badges where there are any."""
    files = [ROOT / "examples" / f"{name}.jpg" for name in names]
    page.set_input_files(".unblur .files", files)
    page.wait_for_function(
        "([n, marks]) => marks.every(what => document.querySelectorAll(what).length === n)",
        arg=[len(names), [".mark[data-state=done]", *[".badge:not([hidden])"][: int(badges)]]],
    )
    page.wait_for_timeout(500)


def _image(page: Page) -> Image.Image:
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def _save(image: Image.Image, name: str) -> None:
    image.save(IMAGES / f"{name}.jpg", quality=82, optimize=True, progressive=True)


if __name__ == "__main__":
    main()
