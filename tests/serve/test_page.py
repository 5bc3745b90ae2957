"""The page of `unblur serve`, driven by a real browser."""

from __future__ import annotations

import io
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest
import pyvips
from PIL import Image

from tests.browser import Opened, chromium
from tests.files import unblur, with_thumbnail, write
from tests.serve.server import Server
from unblur.inference.models import find_model

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

EXAMPLES = Path(__file__).parents[2] / "examples"
# Small tiles, so that even a small photo makes progress that can be seen.
TILE = "192"
TOKEN = "open sesame"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    other = folder / "other.onnx"
    shutil.copy(find_model("default"), other)
    models = ("--model", "default", "--model", str(other))
    limits = ("--tile", TILE, "--max-pixels", "9000000", "--token", TOKEN)
    with Server(folder / "jobs", *models, *limits) as server:
        yield server


class Served(Opened):
    """The page of a server."""

    def __init__(self, browser: Browser, url: str, **context: Any) -> None:
        credentials = {"username": "anyone", "password": TOKEN}
        super().__init__(browser, url, 90_000, **{"http_credentials": credentials, **context})
        self.tab.wait_for_selector(".unblur .choose")

    def wait_for_badges(self, number: int = 1) -> None:
        self.tab.wait_for_function(
            "n => document.querySelectorAll('.badge:not([hidden])').length >= n", arg=number
        )

    def shown(self) -> str:
        """Address of the result's picture."""
        return str(self.tab.locator(".after .base").get_attribute("src"))

    def wait_for_another(self, shown: str) -> None:
        self.tab.wait_for_function(
            "old => ![null, old].includes("
            "document.querySelector('.after .base').getAttribute('src'))",
            arg=shown,
        )

    def seen(self) -> np.ndarray:
        """The stage, (h, w, 3)."""
        return read(self.tab.locator(".stage").screenshot())


@pytest.fixture
def opened(browser: Browser, server: Server) -> Iterator[Served]:
    """A page that in the end must have asked no other server for anything, nor complained."""
    page = Served(browser, server.url)
    yield page
    page.close()


def read(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), dtype=float)


def deblurred(path: Path, out: Path, *options: object) -> bytes:
    done = unblur("deblur", path, "-o", out, "--tile", TILE, "--overwrite", *options)
    assert done.returncode == 0, done.stderr
    return out.read_bytes()


def test_a_photo_is_brought_compared_and_taken_home(opened: Served, tmp_path: Path) -> None:
    tab = opened.tab
    tab.evaluate("""() => {
        window.heard = [];
        for (const place of ['.doing', '.live'])
            new MutationObserver(([{target}]) => heard.push(place + target.textContent))
                .observe(document.querySelector(place), {childList: true});
    }""")
    photo = EXAMPLES / "licenseplate_motion.jpg"
    opened.give(photo)
    opened.wait()
    heard = tab.evaluate("heard")
    assert any(re.fullmatch(r"\.doingDeblurring \d+ %", text) for text in heard)
    assert any(re.fullmatch(rf"\.live{photo.name}: Deblurring \d+ %", text) for text in heard)
    assert heard[-1] in (f".live{photo.name}: done", ".doing")

    # The divider: by keys, and by a drag.
    cut = tab.get_by_role("slider", name="Before and after")
    cut.focus()
    for _ in range(10):
        tab.keyboard.press("ArrowRight")
    assert cut.get_attribute("aria-valuetext") == "60 % before, 40 % after"
    stage = tab.locator(".stage").bounding_box()
    assert stage
    y = stage["y"] + 200
    span = tab.evaluate(
        "['--left', '--right'].map(name =>"
        " parseFloat(document.querySelector('.stage').style.getPropertyValue(name)))"
    )
    left, right = stage["x"] + span[0], stage["x"] + stage["width"] - span[1]
    tab.mouse.move(left + 0.6 * (right - left), y)
    tab.mouse.down()
    tab.mouse.move(left + 0.2 * (right - left), y, steps=4)
    tab.mouse.up()
    assert abs(float(cut.input_value()) - 20) <= 1

    # The strength: what is seen is the blend, and nothing was asked of the server.
    asked = len(opened.log.requests)
    strength = tab.get_by_role("slider", name="Strength")
    shown = {}
    for value in (100, 50, 0):
        strength.fill(str(value))
        shown[value] = opened.seen()[:, 300:-150]
    assert len(opened.log.requests) == asked
    assert np.abs(shown[100] - shown[0]).max() > 20
    assert np.abs(shown[50] - (shown[100] + shown[0]) / 2).max() <= 2

    for value, option in ((37, "0.37"), (100, "1")):
        strength.fill(str(value))
        with tab.expect_download() as coming:
            tab.get_by_role("link", name="Download licenseplate_motion-deblurred.jpg").click()
        assert coming.value.suggested_filename == "licenseplate_motion-deblurred.jpg"
        expected = deblurred(photo, tmp_path / "out.jpg", "--strength", option)
        assert Path(coming.value.path()).read_bytes() == expected


def test_many_photos_come_back_in_a_zip_and_rubbish_is_told_in_plain_words(
    opened: Served, tmp_path: Path, picture: np.ndarray
) -> None:
    tab = opened.tab
    deep = write(tmp_path / "deep.tif", np.tile(picture, (3, 3, 1)).astype(np.uint16) * 257)
    clear = write(tmp_path / "clear.png", np.dstack([picture, picture[::-1, :, 0]]))
    again = tmp_path / "more" / "deep.tif"
    again.parent.mkdir()
    again.write_bytes(deep.read_bytes())
    grey = write(tmp_path / "grey.webp", np.full((60, 80, 3), 128, np.uint8))
    rubbish = tmp_path / "<img src=x>.jpg"
    rubbish.write_bytes(b"no picture at all" * 99)
    bomb = write(tmp_path / "bomb.png", np.zeros((3001, 3000, 1), np.uint8))
    opened.give(deep, clear, again, grey, rubbish, bomb)
    opened.wait(4)
    tab.wait_for_selector(".mark[data-state=failed] >> nth=1", state="attached")
    tab.locator(".strip button").nth(4).click()
    notice = tab.locator(".notice")
    assert "<img src=x>.jpg is not a picture of a format" in notice.inner_text()
    assert tab.get_by_role("link", name="Download", exact=True).get_attribute("href") is None
    tab.locator(".strip button").nth(5).click()
    assert "9003000" in notice.inner_text() or "3000x3001" in notice.inner_text()
    assert "--" not in notice.inner_text()
    tab.locator(".strip button").nth(3).click()
    assert "Already sharp" in notice.inner_text()

    tab.get_by_role("slider", name="Strength").fill("80")
    with tab.expect_download() as coming:
        tab.get_by_role("link", name="Download all 4 as a zip").click()
    with zipfile.ZipFile(coming.value.path()) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            "deep-deblurred.tif",
            "clear-deblurred.png",
            "deep-deblurred (2).tif",
            "grey-deblurred.webp",
        ]
        out = tmp_path / "out"
        done = unblur("deblur", deep, clear, grey, "-o", out, "--strength", "0.8", "--tile", TILE)
        assert done.returncode == 0, done.stderr
        for name, path in zip(archive.namelist(), (deep, clear, again, grey), strict=True):
            assert archive.read(name) == (out / path.name).read_bytes()

    # Chromium itself says on the console what the server refused.
    refused = [re.findall(r"a status of (\d+)", said) for said in opened.log.complaints]
    assert sorted(refused) == [["413"], ["415"]]
    opened.log.complaints.clear()

    for left in (5, 4, 3, 2, 1):
        tab.get_by_role("button", name="Remove").click()
        assert tab.locator(".strip li").count() == left
    tab.get_by_role("button", name="Start over").click()
    assert tab.get_by_role("button", name="Choose photos").is_visible()


def test_one_to_one_shows_the_same_spot_of_both(
    opened: Served, tmp_path: Path, rng: np.random.Generator
) -> None:
    """On a photo that is too large to be sent whole."""
    tab = opened.tab
    coarse: Any = pyvips.Image.new_from_array(rng.integers(0, 256, (30, 60, 3)).astype(np.uint8))
    coarse.resize(40).write_to_file(str(tmp_path / "large.png"))
    opened.give(tmp_path / "large.png")
    tab.wait_for_selector(".download[href]", timeout=60000)
    photo: Any = pyvips.Image.new_from_file(str(tmp_path / "large.png"))
    assert tab.locator(".before .base").evaluate("image => image.naturalWidth") == 2048
    assert tab.locator(".tiles img").count() == 0

    stage = tab.locator(".stage")
    stage.focus()
    tab.keyboard.press("1")
    assert tab.locator("output.zoom").inner_text() == "100 %"
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("ArrowDown")
    tab.wait_for_function(
        "() => { const t = [...document.querySelectorAll('.tiles img')];"
        " return t.length > 3 && t.every(i => i.complete && i.naturalWidth) }"
    )
    transforms = [
        tab.locator(f".layer.{side}").evaluate("layer => layer.style.transform")
        for side in ("before", "after")
    ]
    assert transforms[0] == transforms[1]
    x, y = (int(n) for n in re.findall(r"(-?[\d.]+)px", transforms[0]))
    seen = opened.seen()
    height, width = seen.shape[:2]
    expected = photo.crop(-x, -y, width, height).numpy().astype(float)
    calm = np.s_[60:-60, 20 : width // 2 - 40]
    assert np.abs(seen[calm] - expected[calm]).mean() < 2

    tab.get_by_role("slider", name="Strength").fill("0")
    calm = np.s_[60:-60, width // 2 + 40 : -20]
    assert np.abs(opened.seen()[calm] - expected[calm]).mean() < 2

    # A drag moves both; double click shows all again.
    box = stage.bounding_box()
    assert box
    tab.mouse.move(box["x"] + 150, box["y"] + 150)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 90, box["y"] + 110, steps=3)
    tab.mouse.up()
    moved = tab.locator(".layer.after").evaluate("layer => layer.style.transform")
    assert moved == f"translate({x - 60}px, {y - 40}px) scale(1)"
    stage.dblclick(position={"x": 150, "y": 150})
    assert tab.get_by_role("button", name="Fit").get_attribute("aria-pressed") == "true"


def test_a_photo_is_dropped_or_pasted_and_the_example_works(opened: Served) -> None:
    tab = opened.tab
    carry = """async ([kind, place]) => {
        const answer = await fetch('page/static/example.jpg');
        const carried = new DataTransfer();
        carried.items.add(new File([await answer.blob()], kind + '.jpg', {type: 'image/jpeg'}));
        const given = kind === 'paste' ? {clipboardData: carried} : {dataTransfer: carried};
        const Kind = kind === 'paste' ? ClipboardEvent : DragEvent;
        document.querySelector(place).dispatchEvent(new Kind(kind, {...given, bubbles: true}));
    }"""
    tab.evaluate(carry, ["dragenter", ".drop"])
    assert tab.get_by_text("Drop to add").is_visible()
    tab.evaluate(carry, ["drop", ".drop"])
    assert tab.get_by_text("Drop to add").is_hidden()
    tab.evaluate(carry, ["paste", "body"])
    opened.wait(2)
    names = tab.locator(".strip button").evaluate_all("all => all.map(one => one.title)")
    assert names == ["drop.jpg", "paste.jpg"]
    tab.get_by_role("button", name="Start over").click()
    tab.get_by_role("button", name="Try this one").click()
    opened.wait()
    assert tab.get_by_role("heading", name="example.jpg").is_visible()


def test_a_phone_in_the_dark(browser: Browser, server: Server) -> None:
    phone = Served(
        browser,
        server.url,
        viewport={"width": 390, "height": 844},
        device_scale_factor=2,
        has_touch=True,
        is_mobile=True,
        color_scheme="dark",
    )
    tab = phone.tab
    for _ in range(2):
        assert tab.evaluate("document.documentElement.scrollWidth") == 390
        paper = tab.locator(".unblur").evaluate(
            "one => getComputedStyle(one.closest('body')).backgroundColor"
        )
        assert max(map(int, re.findall(r"\d+", paper)[:3])) < 40
        for button in tab.get_by_role("button").all():
            box = button.bounding_box()
            assert box
            assert min(box["width"], box["height"]) >= 40
        phone.give(EXAMPLES / "chelsea.jpg", EXAMPLES / "coffee.jpg")
        phone.wait(2)
    stage = tab.locator(".stage").bounding_box()
    assert stage
    tab.touchscreen.tap(stage["x"] + 195, stage["y"] + 100)
    tab.get_by_role("button", name="1:1").tap()
    assert tab.locator("output.zoom").inner_text() == "100 %"
    phone.close()


def test_the_keyboard_reaches_everything_in_the_order_of_the_page(opened: Served) -> None:
    tab = opened.tab
    opened.give(EXAMPLES / "chelsea.jpg", EXAMPLES / "coffee.jpg")
    opened.wait(2)
    opened.wait_for_badges(2)
    tab.evaluate("document.activeElement.blur()")
    order = []
    for _ in range(18):
        tab.keyboard.press("Tab")
        order.append(
            tab.evaluate(
                "(one => one.ariaLabel || one.labels?.[0]?.textContent || one.textContent)"
                "(document.activeElement)"
            )
        )
    assert [re.sub(r"sharpness \d+", "sharpness N", name) for name in order] == [
        "Add photos",
        "Start over",
        "Photo chelsea.jpg",
        "Before and after",
        "Fit",
        "1:1",
        "Show blur",
        "Zoom out",
        "Zoom in",
        "chelsea.jpg, done, sharpness N of 100",
        "coffee.jpg, done, sharpness N of 100",
        "Strength",
        "Best quality, eight times slower",
        "Working size",
        "Model",
        "Download chelsea-deblurred.jpg",
        "Download all 2 as a zip",
        "Remove this photo",
    ]
    # Every control has a name, and every picture a text.
    assert tab.evaluate("document.querySelectorAll('img:not([alt])').length") == 0


def test_how_blurred_a_photo_is_and_where(
    opened: Served, server: Server, tmp_path: Path, picture: np.ndarray
) -> None:
    tab = opened.tab
    # Shaken, and with noise, so that each cell has a texture.
    sharp = np.tile(picture, (4, 6, 1)).astype(float)
    shaken = np.mean([np.roll(sharp, k, axis=1) for k in range(25)], axis=0)
    photos = [write(tmp_path / "shaken.png", shaken.astype(np.uint8)), EXAMPLES / "chelsea.jpg"]
    opened.give(*photos)
    opened.wait_for_badges(2)
    opened.wait(2)
    told = [
        httpx.post(
            f"{server.url}/v1/inspect",
            content=path.read_bytes(),
            headers={"Authorization": f"Bearer {TOKEN}"},
        ).json()
        for path in photos
    ]
    scores = [str(answer["score"]) for answer in told]
    assert tab.locator(".badge").all_inner_texts() == scores
    words = f"sharpness {scores[0]} of 100"
    assert words in tab.locator(".measured").inner_text()
    assert words in str(tab.locator(".strip button").first.get_attribute("aria-label"))

    toggle, legend = tab.get_by_role("button", name="Show blur"), tab.locator(".legend")
    strokes = tab.locator(".layer.map img")
    plain = opened.seen()
    assert toggle.get_attribute("aria-pressed") == "false"
    assert strokes.get_attribute("src") is None
    toggle.click()
    tab.wait_for_function("() => document.querySelector('.layer.map img').naturalWidth > 0")
    assert toggle.get_attribute("aria-pressed") == "true"
    assert words in legend.inner_text()
    width, height = strokes.evaluate("image => [image.naturalWidth, image.naturalHeight]")
    assert abs(width / height - shaken.shape[1] / shaken.shape[0]) < 0.01
    assert np.abs(opened.seen() - plain).max() > 40

    # It moves with the photo.
    tab.locator(".stage").focus()
    for key in ("1", "+", "ArrowRight"):
        tab.keyboard.press(key)
    places = [
        tab.locator(f".layer.{name}").evaluate("layer => layer.style.transform")
        for name in ("before", "map")
    ]
    assert places[0] == places[1]

    # It stays for the next photo, and goes by its key.
    tab.locator(".strip button").nth(1).click()
    tab.wait_for_function("() => document.querySelector('.layer.map img').naturalWidth > 0")
    assert f"sharpness {scores[1]} of 100" in legend.inner_text()
    tab.locator(".stage").focus()
    for shown in (False, True, False):
        tab.keyboard.press("b")
        assert strokes.is_visible() == shown
        assert bool(legend.inner_text().strip()) == shown


def test_the_best_is_another_run_and_the_first_result_stays(opened: Served, tmp_path: Path) -> None:
    tab = opened.tab
    photo = EXAMPLES / "chelsea.jpg"
    opened.give(photo)
    opened.wait()
    best = tab.get_by_role("checkbox", name="Best quality, eight times slower")
    best.focus()
    for options in (["--best"], []):
        shown = opened.shown()
        tab.keyboard.press("Space")
        assert best.is_checked() == bool(options)
        opened.wait_for_another(shown)
        opened.wait()
        with tab.expect_download() as coming:
            tab.get_by_role("link", name="Download").click()
        expected = deblurred(photo, tmp_path / "out.jpg", *options)
        assert Path(coming.value.path()).read_bytes() == expected
        best.focus()
    assert sum("/again?" in url for url in opened.log.requests) == 1


def test_the_scale_can_be_chosen(opened: Served, tmp_path: Path) -> None:
    tab = opened.tab
    photo = EXAMPLES / "chelsea.jpg"
    opened.give(photo)
    opened.wait()
    shown = opened.shown()
    tab.get_by_label("Working size").select_option("Half, for long blur")
    opened.wait_for_another(shown)
    opened.wait()
    assert tab.locator(".scales").inner_text() == "Worked at half size"
    with tab.expect_download() as coming:
        tab.get_by_role("link", name="Download").click()
    expected = deblurred(photo, tmp_path / "out.jpg", "--scale", "1/2")
    assert Path(coming.value.path()).read_bytes() == expected


def test_what_a_result_does_not_have_is_shown(
    opened: Served, tmp_path: Path, picture: np.ndarray
) -> None:
    opened.give(with_thumbnail(tmp_path / "photo.tif", picture))
    opened.wait()
    assert opened.tab.locator(".notes").inner_text() == "Without the thumbnail"


def test_another_model_is_another_run_of_the_network(opened: Served, tmp_path: Path) -> None:
    tab = opened.tab
    photo = EXAMPLES / "chelsea.jpg"
    opened.give(photo)
    opened.wait()
    shown = tab.locator(".after .base").get_attribute("src")
    tab.get_by_label("Model").select_option("other")
    tab.wait_for_function(
        "old => !document.querySelector('.after .base').src.endsWith(old)"
        " && document.querySelector('.download[href]')",
        arg=shown,
    )
    with tab.expect_download() as coming:
        tab.get_by_role("link", name="Download").click()
    assert Path(coming.value.path()).read_bytes() == deblurred(photo, tmp_path / "out.jpg")


def test_a_page_that_was_forgotten_says_so(opened: Served) -> None:
    tab = opened.tab
    opened.give(EXAMPLES / "chelsea.jpg")
    opened.wait()
    look = "document.dispatchEvent(new Event('visibilitychange'))"
    with tab.expect_response("**/v1/jobs/events?*"):
        tab.evaluate(look)
    assert tab.get_by_role("alert").count() == 0
    job = opened.shown().split("/")[-2]
    gone = f'event: gone\ndata: {{"id": "{job}"}}\n\n'
    tab.route(
        "**/v1/jobs/events?*",
        lambda route: route.fulfill(body=gone, content_type="text/event-stream"),
    )
    tab.evaluate(look)
    tab.get_by_role("alert").wait_for()
    assert "Reload" in tab.get_by_role("alert").inner_text()


def test_the_token_guards_all_of_it(server: Server) -> None:
    paths = ("/", "/page/static/page.js", "/v1/jobs/x/before.jpg", "/v1/jobs/events")
    assert [httpx.get(server.url + path).status_code for path in paths] == [401] * 4
    assert httpx.get(server.url, auth=("", "wrong")).status_code == 401
    page = httpx.get(server.url, auth=("", TOKEN))
    assert page.status_code == 200
    assert not re.search(r'(src|href)="(https?:)?//', page.text)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script>|<style| on\w+=| style=", page.text)


def test_progress_arrives_as_an_event_stream(opened: Served) -> None:
    tab = opened.tab
    kinds: dict[str, str] = {}
    tab.on("response", lambda answer: kinds.update({answer.url: answer.headers["content-type"]}))
    opened.give(EXAMPLES / "licenseplate_motion.jpg")
    tab.wait_for_selector(".meter[aria-valuenow]")
    opened.wait()
    streams = [kind for url, kind in kinds.items() if "/v1/jobs/events?" in url]
    assert {kind.partition(";")[0] for kind in streams} == {"text/event-stream"}
    assert not any(re.search(r"/v1/jobs/\w{32}$", url) for url in opened.log.requests)


def test_a_restart_of_the_server_and_the_loss_of_its_jobs(browser: Browser, tmp_path: Path) -> None:
    photo, folder = EXAMPLES / "licenseplate_motion.jpg", tmp_path / "jobs"
    limits = ("--tile", TILE)
    first = Server(folder, *limits)
    page = Served(browser, first.url)
    tab, alert = page.tab, page.tab.get_by_role("alert")

    def power_cut(route: Route) -> None:
        first.kill()
        route.continue_()

    # When the page first asks for news of its job: never after the last of them.
    tab.route("**/v1/jobs/events*", power_cut, times=1)
    page.give(photo)
    tab.get_by_text("The server cannot be reached at the moment.").wait_for()
    with Server(folder, *limits, "--port", str(first.port)):
        page.wait()
        alert.wait_for(state="hidden")
        page.give(EXAMPLES / "chelsea.jpg")
        page.wait(2)
        with tab.expect_download() as coming:
            tab.get_by_role("link", name="Download licenseplate_motion-deblurred.jpg").click()
        expected = deblurred(photo, tmp_path / "out.jpg")
        assert Path(coming.value.path()).read_bytes() == expected
    shutil.rmtree(folder)
    with Server(folder, *limits, "--port", str(first.port)):
        tab.get_by_text("no longer on the server").wait_for()
        assert "Reload" in alert.inner_text()
    assert all("ERR_" in complaint for complaint in page.log.complaints)
    page.context.close()


def test_results_that_are_not_shown_make_room_on_a_full_server(
    browser: Browser, tmp_path: Path
) -> None:
    with Server(tmp_path / "jobs", "--max-jobs", "3") as server:
        page = Served(browser, server.url)
        tab = page.tab
        page.give(EXAMPLES / "chelsea.jpg", EXAMPLES / "coffee.jpg")
        page.wait(2)
        tab.get_by_role("checkbox", name="Best quality").check()  # four results
        tab.wait_for_function("() => document.querySelector('.all').textContent.includes(' 2 ')")
        page.give(EXAMPLES / "chelsea.jpg")  # five
        page.wait(3)
        assert tab.get_by_role("alert").count() == 0
        page.context.close()


def test_a_server_without_room_is_waited_for(browser: Browser, tmp_path: Path) -> None:
    with Server(tmp_path / "jobs", "--max-jobs", "1") as server:
        page = Served(browser, server.url)
        tab = page.tab
        page.give(EXAMPLES / "chelsea.jpg")
        page.wait()
        page.give(EXAMPLES / "coffee.jpg")
        tab.get_by_role("button", name="coffee.jpg, Waiting for room on the server").wait_for()
        tab.get_by_label("Working size").select_option("Half, for long blur")
        tab.get_by_text("The server has no room for another run at the moment.").wait_for()
        tab.get_by_role("button", name="Remove this photo").click()
        page.wait()
        assert tab.get_by_role("heading", name="coffee.jpg").is_visible()
        assert tab.locator(".scales").inner_text() == "Worked at half size"
        assert tab.get_by_role("alert").count() == 0
        assert all("429" in complaint for complaint in page.log.complaints)
        page.context.close()
