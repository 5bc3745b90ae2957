"""Take the pictures of docs/serve.md: the page of `unblur serve` in a browser.

    python -m docs.figures.page

starts a server, drives Chromium through Playwright, and writes docs/images/serve-*.jpg.
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
            Server(Path(folder)) as server,
        ):
            draw(browser, server.url)
    except pytest.skip.Exception as reason:
        sys.exit(f"docs.figures.page: {reason}")


def draw(browser: Browser, url: str) -> None:
    page = _opened(browser, url, **DESK)
    _give(page, "coffee", "chelsea", "astronaut", "text_motion")
    page.locator(".cut").fill("46")
    page.locator(".cut").blur()
    _save(_image(page), "serve-desktop")

    mapped = _opened(browser, url, **DESK)
    _give(mapped, "licenseplate_motion", "text_defocus", "astronaut", "coffee")
    mapped.get_by_role("button", name="Show blur").click()
    mapped.wait_for_function("() => document.querySelector('.layer.map img').naturalWidth > 0")
    _save(_image(mapped), "serve-blur")

    dark = _opened(browser, url, **DESK, color_scheme="dark")
    _give(dark, "chelsea", "coffee", "astronaut", "text_motion")
    dark.get_by_label("Strength").fill("70")
    dark.get_by_label("Strength").blur()
    _save(_image(dark), "serve-dark")

    phones = []
    for scheme in ("light", "dark"):
        phone = _opened(browser, url, **PHONE, color_scheme=scheme)
        if scheme == "dark":
            phones.append(_image(phone))
        _give(phone, "astronaut", "coffee", "chelsea")
        phones.append(_image(phone))
    width = sum(image.width + GAP for image in phones) - GAP
    sheet = Image.new("RGB", (width, phones[0].height), (128, 128, 128))
    for index, image in enumerate(phones):
        sheet.paste(image, (index * (image.width + GAP), 0))
    size = sheet.width * 2 // 3, sheet.height * 2 // 3
    _save(sheet.resize(size, Image.Resampling.LANCZOS), "serve-phone")


def _opened(browser: Browser, url: str, **context: Any) -> Page:
    page = browser.new_context(reduced_motion="reduce", **context).new_page()
    page.goto(url)
    page.wait_for_selector(".unblur .limits:not(:empty)")
    page.wait_for_timeout(500)
    return page


def _give(page: Page, *names: str) -> None:
    """Hand the page example photos and wait for their results and badges."""
    files = [ROOT / "examples" / f"{name}.jpg" for name in names]
    page.set_input_files(".unblur .files", files)
    page.wait_for_function(
        "n => ['.mark[data-state=done]', '.badge:not([hidden])']"
        ".every(what => document.querySelectorAll(what).length === n)",
        arg=len(names),
    )
    page.wait_for_timeout(500)


def _image(page: Page) -> Image.Image:
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def _save(image: Image.Image, name: str) -> None:
    image.save(IMAGES / f"{name}.jpg", quality=82, optimize=True, progressive=True)


if __name__ == "__main__":
    main()
