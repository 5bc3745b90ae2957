"""Takes the pictures of docs/serve.md: the page of `unblur serve` in a browser.

    python docs/serve_pictures.py

It starts a server, drives Chromium through Playwright, and writes docs/images/serve-*.jpg.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from tests.browser import chromium  # noqa: E402
from tests.serve.server import Server  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

EXAMPLES = HERE.parent / "examples"
DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        Server(Path(folder)) as server,
        chromium() as browser,
    ):
        draw(browser, server.url)


def draw(browser: Browser, url: str) -> None:
    page = opened(browser, url, **DESK)
    save(page.screenshot(), "serve-start")
    give(page, "coffee", "chelsea", "astronaut", "text_motion")
    page.locator(".cut").fill("46")
    page.locator(".cut").blur()
    save(page.screenshot(), "serve-desktop")

    dark = opened(browser, url, **DESK, color_scheme="dark")
    give(dark, "chelsea", "coffee", "astronaut", "text_motion")
    dark.get_by_label("Strength").fill("70")
    dark.get_by_label("Strength").blur()
    save(dark.screenshot(), "serve-dark")

    phones = []
    for scheme in ("light", "dark"):
        phone = opened(browser, url, **PHONE, color_scheme=scheme)
        if scheme == "dark":
            phones.append(phone.screenshot())
        give(phone, "astronaut", "coffee", "chelsea")
        phones.append(phone.screenshot())
    save_beside(phones, "serve-phone")


def opened(browser: Browser, url: str, **context: Any) -> Page:
    page = browser.new_context(reduced_motion="reduce", **context).new_page()
    page.goto(url)
    page.wait_for_selector(".unblur .limits:not(:empty)")
    page.wait_for_timeout(500)
    return page


def give(page: Page, *names: str) -> None:
    page.set_input_files(".unblur .files", [EXAMPLES / f"{name}.jpg" for name in names])
    page.wait_for_function(
        "n => document.querySelectorAll('.mark[data-state=done]').length === n", arg=len(names)
    )
    page.wait_for_timeout(500)


def save(picture: bytes, name: str) -> None:
    Image.open(io.BytesIO(picture)).convert("RGB").save(
        HERE / "images" / f"{name}.jpg", quality=82, optimize=True, progressive=True
    )


def save_beside(pictures: list[bytes], name: str) -> None:
    images = [Image.open(io.BytesIO(picture)).convert("RGB") for picture in pictures]
    gap = 32
    width = sum(image.width for image in images) + gap * (len(images) - 1)
    sheet = Image.new("RGB", (width, max(image.height for image in images)), (128, 128, 128))
    left = 0
    for image in images:
        sheet.paste(image, (left, 0))
        left += image.width + gap
    sheet = sheet.resize((sheet.width * 2 // 3, sheet.height * 2 // 3), Image.Resampling.LANCZOS)
    sheet.save(HERE / "images" / f"{name}.jpg", quality=82, optimize=True, progressive=True)


if __name__ == "__main__":
    main()
