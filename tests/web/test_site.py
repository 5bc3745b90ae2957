"""The page in the browser: the built site, driven by a real browser."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest
from PIL import Image

from tests.browser import Log, chromium
from tests.files import unblur, write
from tests.web.site import ISOLATING, Host, build

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

EXAMPLES = Path(__file__).parents[2] / "examples"
MOST_MEMORY = 1.5 * 2**30
"""Of the tab, with a photo of 12 megapixels, in bytes."""
OWN = ("main.js", "worker.js", "network-worker.js", "sw.js")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("web") / "site")


@pytest.fixture(scope="module")
def host(site: Path) -> Iterator[Host]:
    with Host(site) as host:
        yield host


class Opened:
    """The page, and what it asked for and complained of."""

    def __init__(self, browser: Browser, host: Host, **context: Any) -> None:
        given = {"viewport": {"width": 1200, "height": 800}, "reduced_motion": "reduce"}
        self.context = browser.new_context(**{**given, **context})
        self.tab: Page = self.context.new_page()
        self.tab.set_default_timeout(240_000)  # of a busy machine
        self.log = Log(self.tab)
        self.url = host.url
        self.tab.goto(self.url)
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        self.tab.wait_for_function("document.querySelector('.limits')?.textContent")

    def give(self, *paths: Path) -> None:
        self.tab.set_input_files(".unblur .files", list(paths))

    def wait(self, done: int = 1) -> None:
        self.tab.wait_for_function(
            "n => document.querySelectorAll('.mark[data-state=done]').length >= n", arg=done
        )

    def download(self, name: str = "Download", **how: Any) -> tuple[str, bytes]:
        with self.tab.expect_download() as coming:
            self.tab.get_by_role("link", name=name, **how).click()
        return coming.value.suggested_filename, Path(coming.value.path()).read_bytes()

    def close(self) -> None:
        foreign = [url for url in self.log.requests if not url.startswith((self.url, "blob:"))]
        assert foreign == []
        assert self.log.complaints == []
        self.context.close()


@pytest.fixture
def opened(browser: Browser, host: Host) -> Iterator[Opened]:
    """A page that in the end must have asked no other site for anything, nor complained."""
    page = Opened(browser, host)
    yield page
    page.close()


def read(data: bytes | Path) -> np.ndarray:
    image = Image.open(io.BytesIO(data) if isinstance(data, bytes) else data)
    return np.asarray(image, dtype=int)


def deblurred(path: Path, out: Path, *options: str) -> Path:
    done = unblur("deblur", path, "-o", out, "--precision", "f32", "--overwrite", *options)
    assert done.returncode == 0, done.stderr
    return out


def test_a_photo_comes_back_as_from_the_command_line(opened: Opened, tmp_path: Path) -> None:
    tab = opened.tab
    photo = EXAMPLES / "coffee.jpg"
    opened.give(photo)
    opened.wait()
    name, data = opened.download()
    assert name == "coffee-deblurred.jpg"
    expected = deblurred(photo, tmp_path / "out.jpg")
    assert np.abs(read(data) - read(expected)).max() <= 2  # one of the pixels, one of JPEG
    assert Image.open(io.BytesIO(data)).getexif() == Image.open(expected).getexif()

    # The strength is blended at once; at 0 it is the very file.
    tab.get_by_role("slider", name="Strength").fill("50")
    half = deblurred(photo, tmp_path / "half.jpg", "--strength", "0.5")
    assert np.abs(read(opened.download()[1]) - read(half)).max() <= 2
    tab.get_by_role("slider", name="Strength").fill("0")
    assert opened.download()[1] == photo.read_bytes()
