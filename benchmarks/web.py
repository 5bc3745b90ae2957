"""The page in the browser, by WebAssembly in Chromium, against the whole command.

The command is `unblur deblur photo.jpg` from its start to its end, in 32-bit floats as the page
computes, and as it comes; the page's seconds go from the choice of the file to the result on the
screen, with the network loaded, and its download. The memory is the most that a process of the
browser has taken. Needs what the tests of web/ need.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from tests.browser import chromium
from tests.web.site import ISOLATING, Host, build

from benchmarks import BenchmarkError, Figure, Setup, engines, figure, side_by_side
from benchmarks.timing import interleave, timed
from benchmarks.workers import peak_memory

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SIZES = {"1280x720": ((720, 1280), 3), "12 megapixels": ((3000, 4000), 1)}
QUICK = {"256x192": ((192, 256), 1)}
PATIENCE = 1_200_000
"""Milliseconds that a photo may take."""


def run(setup: Setup) -> Iterator[Figure]:
    """Seconds of each size in turns, and the tab's peak."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        host = stack.enter_context(Host(build(folder / "site"), ISOLATING))
        for size, (shape, rounds) in (QUICK if setup.quick else SIZES).items():
            photo = folder / "photo.jpg"
            engines.texture(*shape).jpegsave(str(photo), Q=92)
            with chromium() as browser, opened(browser, host.url) as page:
                command = partial(by_command, photo)
                versions: dict[str, Callable[[], float]] = {
                    "command, f32": timed(partial(command, "--precision", "f32")),
                    "command": timed(command),
                    "page, 2 threads": timed(partial(by_page, page, photo)),
                }
                samples = interleave(versions, rounds, warm=rounds > 1)
                yield from side_by_side(size, "s", samples)
                yield figure(size, "the tab's peak", "GB", peak() / 2**30)


def by_command(photo: Path, *options: str) -> None:
    """Deblurs a photo in a process of its own."""
    out = photo.with_name("out.jpg")
    command = [sys.executable, "-m", "unblur", "deblur", photo, "-o", out, "--overwrite", *options]
    subprocess.run(command, check=True, capture_output=True)


def by_page(page: Page, photo: Path) -> None:
    """Brings a photo, waits for its result, takes it, and removes it."""
    page.set_input_files(".unblur .files", str(photo))
    page.wait_for_selector(".download[href]")
    with page.expect_download() as coming:
        page.get_by_role("link", name="Download").click()
    coming.value.path()
    page.get_by_role("button", name="Remove").click()


@contextmanager
def opened(browser: Browser, url: str) -> Iterator[Page]:
    """The page, when its network is loaded."""
    page = browser.new_page(reduced_motion="reduce")
    page.set_default_timeout(PATIENCE)
    page.goto(url)
    page.wait_for_selector(".unblur .limits:not(:empty)")
    time.sleep(0.5)
    yield page


def peak() -> int:
    """The most memory that a process of the browser has taken so far, in bytes; on Linux alone."""
    if sys.platform != "linux":
        raise BenchmarkError("the peak of another process is known on Linux alone")
    living = [
        process.pid
        for process in psutil.Process().children(recursive=True)
        if process.status() != psutil.STATUS_ZOMBIE
    ]
    return max(map(peak_memory, living))
