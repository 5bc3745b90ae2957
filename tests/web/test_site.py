"""The page in the browser: the built site, driven by a real browser."""

from __future__ import annotations

import io
import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from benchmarks.web import peak
from PIL import Image

from tests.browser import Opened, chromium
from tests.files import unblur, write
from tests.web.node import needs_node, run
from tests.web.site import ISOLATING, Host, build

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = needs_node

EXAMPLES = Path(__file__).parents[2] / "examples"
MOST_MEMORY = 1.5 * 2**30
"""Of the tab, with a photo of 12 megapixels, in bytes."""


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


class Site(Opened):
    """The page in the browser, when its network is loaded."""

    def __init__(self, browser: Browser, host: Host, **context: Any) -> None:
        super().__init__(browser, host.url, 600_000, **context)
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        self.tab.wait_for_function("() => document.querySelector('.limits')?.textContent")

    def download(self, name: str = "Download", **how: Any) -> tuple[str, bytes]:
        with self.tab.expect_download() as coming:
            self.tab.get_by_role("link", name=name, **how).click()
        return coming.value.suggested_filename, Path(coming.value.path()).read_bytes()


@pytest.fixture
def opened(browser: Browser, host: Host) -> Iterator[Site]:
    """A page that in the end must have asked no other site for anything, nor complained."""
    page = Site(browser, host)
    yield page
    page.close()


def read(data: bytes | Path) -> np.ndarray:
    with Image.open(io.BytesIO(data) if isinstance(data, bytes) else data) as image:
        return np.asarray(image, dtype=int)


def exif(data: bytes | Path) -> dict[int, Any]:
    with Image.open(io.BytesIO(data) if isinstance(data, bytes) else data) as image:
        return dict(image.getexif())


def are_alike(found: bytes, expected: Path) -> bool:
    """Whether two JPEGs are of pixels a level apart: some coefficients are rounded otherwise."""
    apart = np.abs(read(found) - read(expected))
    return bool((apart > 1).mean() < 1e-2 and apart.max() < 10)


def deblurred(path: Path, out: Path, *options: str) -> Path:
    done = unblur("deblur", path, "-o", out, "--precision", "f32", "--overwrite", *options)
    assert done.returncode == 0, done.stderr
    return out


def test_a_photo_comes_back_as_from_the_command_line(opened: Site, tmp_path: Path) -> None:
    tab = opened.tab
    photo = EXAMPLES / "coffee.jpg"
    opened.give(photo)
    opened.wait()
    name, data = opened.download()
    assert name == "coffee-deblurred.jpg"
    expected = deblurred(photo, tmp_path / "out.jpg")
    assert are_alike(data, expected)
    assert exif(data) == exif(expected) != {}
    assert np.abs(read(data) - read(photo)).max() > 20

    # The strength is blended at once; at 0 it is the very file.
    tab.get_by_role("slider", name="Strength").fill("50")
    half = deblurred(photo, tmp_path / "half.jpg", "--strength", "0.5")
    assert are_alike(opened.download()[1], half)
    tab.get_by_role("slider", name="Strength").fill("0")
    assert opened.download()[1] == photo.read_bytes()


def test_pictures_without_loss_are_a_level_from_the_command_lines(
    opened: Site, tmp_path: Path
) -> None:
    """Of more than one tile, with alpha, in grey, and with the scale chosen by the blur."""
    coffee = read(EXAMPLES / "coffee.jpg")
    ramp = np.linspace(0, 255, coffee.shape[1]).astype(int)
    alpha = np.broadcast_to(ramp.clip(40, 200) - 40, coffee.shape[:2])
    shaken = np.mean([np.roll(coffee, k, axis=1) for k in range(60)], axis=0)
    photos = [
        write(tmp_path / "alpha.png", np.dstack([coffee, alpha]).astype(np.uint8)),
        write(tmp_path / "grey.png", coffee[..., 1:2].astype(np.uint8)),
        write(tmp_path / "shaken.png", np.tile(shaken, (1, 3, 1)).astype(np.uint8)),
    ]
    opened.give(*photos)
    opened.wait(3)
    name, data = opened.download("Download all 3 as a zip")
    assert name == "unblur.zip"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [f"{photo.stem}-deblurred.png" for photo in photos]
        for photo, entry in zip(photos, archive.namelist(), strict=True):
            expected = read(deblurred(photo, tmp_path / "out.png"))
            found = read(archive.read(entry))
            assert found.shape == expected.shape
            assert np.abs(found - expected).max() <= 1
            assert np.abs(expected - read(photo)).max() > 4
    opened.tab.locator(".strip button").nth(2).click()
    assert "worked at" in opened.tab.locator(".scales").inner_text()


def test_twelve_megapixels_fit_into_a_tab(opened: Site, tmp_path: Path) -> None:
    """At half the size, which takes a third of the time: the tiles are as large all the same."""
    coffee = read(EXAMPLES / "coffee.jpg").astype(np.uint8)
    photo = write(tmp_path / "large.jpg", np.tile(coffee, (8, 7, 1))[:3000, :4000], Q=95)
    tab = opened.tab
    tab.select_option(".scale", "1/2", force=True)
    opened.give(photo)
    tab.wait_for_function(
        "() => /Deblurring \\d+ %/.test(document.querySelector('.doing').textContent)"
    )
    # The page goes on meanwhile.
    tab.get_by_role("button", name="1:1").click()
    assert tab.locator("output.zoom").inner_text() == "100 %"
    tab.wait_for_selector(".tiles img.here >> nth=2", state="attached")
    tab.wait_for_selector(".download[href]")
    _, data = opened.download()
    assert read(data).shape == (3000, 4000, 3)
    assert peak() < MOST_MEMORY


def test_the_second_visit_needs_no_host(browser: Browser, site: Path, tmp_path: Path) -> None:
    host = Host(site)
    opened = Site(browser, host)
    # The service worker has taken the place of the headers that the host does not send.
    assert opened.tab.evaluate("crossOriginIsolated")
    host.close()
    opened.tab.reload()
    opened.wait_until_ready()
    assert opened.tab.evaluate("crossOriginIsolated")
    opened.tab.get_by_role("button", name="Try this one").click()
    opened.wait()
    assert opened.download()[0] == "example-deblurred.jpg"
    opened.close()


def test_a_damaged_network_is_told(browser: Browser, site: Path, tmp_path: Path) -> None:
    shutil.copytree(site, tmp_path / "site")
    model = tmp_path / "site" / "default.onnx"
    model.write_bytes(model.read_bytes()[:-1] + b"\0")
    with Host(tmp_path / "site", ISOLATING) as host:
        context = browser.new_context()
        tab = context.new_page()
        tab.goto(host.url)
        assert "checksum is wrong" in tab.get_by_role("alert").inner_text(timeout=240_000)
        context.close()


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("default.onnx", "did not start (the network did not load: 404)"),
        ("worker.js", "did not start (a part of it did not load)"),
        ("lib/ort-wasm-simd-threaded.wasm", "did not start ("),
        ("main.js", "has not loaded yet"),
    ],
)
def test_a_part_that_is_missing_is_told(
    browser: Browser, site: Path, tmp_path: Path, file: str, told: str
) -> None:
    shutil.copytree(site, tmp_path / "site")
    (tmp_path / "site" / file).unlink()
    with Host(tmp_path / "site", ISOLATING) as host:
        tab = browser.new_page()
        tab.goto(host.url)
        tab.locator(".banner:visible").get_by_text(told).wait_for(timeout=60_000)
        tab.close()


def test_files_of_two_versions_are_not_mixed(browser: Browser, site: Path, tmp_path: Path) -> None:
    """As when a host has taken half of an update: the whole is kept at a later visit."""
    shutil.copytree(site, tmp_path / "site")
    style = tmp_path / "site" / "page.css"
    kept = style.read_text()
    style.write_text(kept + "/* another version */")
    with Host(tmp_path / "site") as host:
        opened = Site(browser, host)
        assert not opened.tab.evaluate("navigator.serviceWorker.controller")
        style.write_text(kept)
        opened.tab.reload()
        opened.wait_until_ready()
        assert opened.tab.evaluate("Boolean(navigator.serviceWorker.controller)")
        opened.close()


def test_other_sites_of_the_same_host_are_left_alone(
    browser: Browser, site: Path, tmp_path: Path
) -> None:
    shutil.copytree(site, tmp_path / "all")
    shutil.copytree(site, tmp_path / "all" / "copy")
    (tmp_path / "all" / "other.txt").write_text("1")
    with Host(tmp_path / "all") as host:
        opened = Site(browser, host)
        read = "fetch('other.txt').then((answer) => answer.headers.get('referrer-policy'))"
        assert opened.tab.evaluate(read) is None
        assert not opened.tab.evaluate("caches.match('other.txt')")
        opened.tab.goto(host.url + "copy/")
        opened.wait_until_ready()
        assert opened.tab.evaluate("crossOriginIsolated")
        assert len(opened.tab.evaluate("caches.keys()")) == 2
        opened.close()


def test_a_site_takes_the_place_of_a_site_alone(site: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(site, out)
    (out / "CNAME").write_text("photos.example")
    (out / "lib" / "old.js").touch()
    build(out)
    assert (out / "CNAME").read_text() == "photos.example"
    assert not (out / "lib" / "old.js").exists()
    assert "CNAME" not in (out / "files.js").read_text()
    (out / "network-worker.js").unlink()
    with pytest.raises(AssertionError, match=r"^unblur: [^\n]*holds other files[^\n]*\n"):
        run("build.js", out)
    assert (out / "CNAME").exists()


def test_what_is_not_taken_or_kept_is_said_before(opened: Site, tmp_path: Path) -> None:
    tab = opened.tab
    rubbish = tmp_path / "<img src=x>.jpg"
    rubbish.write_bytes(b"no picture at all" * 99)
    deep = write(tmp_path / "deep.png", np.arange(64 * 64 * 3, dtype=np.uint16).reshape(64, 64, 3))
    opened.give(rubbish)
    tab.wait_for_selector(".mark[data-state=failed]", state="attached")
    assert "is not a picture of a format" in tab.locator(".notice").inner_text()
    opened.give(deep)
    tab.locator(".strip button").nth(1).click()
    tab.wait_for_function("() => document.querySelector('.notes').textContent")
    assert "16 bit" in tab.locator(".notes").inner_text()
    opened.wait()


def test_its_own_code_is_small(tmp_path: Path) -> None:
    found = re.search(r"(\d+) bytes of JavaScript, and (\d+)", run("build.js", tmp_path / "site"))
    assert found
    own, shared = map(int, found.groups())
    assert own < 40_000
    assert own + shared < 52_000


def test_it_is_installable(site: Path, browser: Browser) -> None:
    manifest = json.loads((site / "manifest.webmanifest").read_text())
    for icon in manifest["icons"]:
        assert (site / icon["src"]).is_file()
    with Host(site) as host:
        opened = Site(browser, host)
        session = opened.context.new_cdp_session(opened.tab)
        errors = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
        assert {error["errorId"] for error in errors} <= {"in-incognito"}  # as tests are
        opened.close()
