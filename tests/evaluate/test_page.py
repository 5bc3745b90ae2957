from __future__ import annotations

import io
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from tests.browser import Log, address, chromium
from unblur.evaluate import page
from unblur.evaluate.crops import worst_crop
from unblur.evaluate.measure import Picture
from unblur.metrics import load

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

RED, GREEN, BLUE = (200, 0, 0), (0, 200, 0), (0, 0, 200)
METRICS = load()
NASTY = '<script>document.title="owned"</script>"\'&amp;'


def flat(colour: tuple[int, int, int]) -> np.ndarray:
    return np.full((120, 240, 3), colour, np.uint8)


def entry(name: str, psnr: float, **more: Any) -> dict[str, Any]:
    images = [{"name": n, "psnr": psnr, "ssim": psnr / 100} for n in (NASTY, "no truth")]
    return {"name": name, "mean": {"psnr": psnr, "ssim": psnr / 100}, "images": images, **more}


def result() -> dict[str, Any]:
    cost = {"seconds_per_megapixel": 1.5, "peak_bytes_per_megapixel": 2**29, "parameters": 3e6}
    sharp = entry("sharp", 9.0, ci={"psnr": [8.5, 9.5]}, cost=cost)
    return whole([entry("blurred", 25.0), sharp, entry(NASTY, 101.0)])


def whole(models: list[dict[str, Any]], *others: dict[str, Any]) -> dict[str, Any]:
    return {"protocol": "full", "dataset": NASTY, "count": 1, "models": models,
            "conditions": [NASTY], "others": others}  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[tuple[Page, Log]]:
    """The page of one red, green (a model of the name "sharp") and blue (sharp) picture."""
    pictures = [
        Picture(NASTY, flat(RED), flat(BLUE), {"sharp": flat(GREEN)}),
        Picture("no truth", flat(RED), None, {"sharp": flat(GREEN)}),
    ]
    page.write(result(), METRICS, pictures, tmp_path / "page.html")
    tab = browser.new_page(viewport={"width": 900, "height": 700})
    log = Log(tab)
    tab.goto(address(tmp_path / "page.html"))
    yield tab, log
    tab.close()


def seen(tab: Page, *places: float) -> list[str]:
    """Colours that the first comparison shows at places across it, 0 to 1."""
    shot = tab.locator(".frame").first.screenshot()
    pixels = np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"), dtype=int)
    row = pixels[int(len(pixels) * 0.8)]
    colours = [row[int(place * (len(row) - 1))] for place in places]
    return [("red", "green", "blue")[int(colour.argmax())] for colour in colours]


def test_keys_and_drags_move_the_slider_and_change_the_picture(opened: tuple[Page, Log]) -> None:
    tab, log = opened
    slider, frame = tab.locator("input[type=range]").first, tab.locator(".frame").first
    assert seen(tab, 0.45, 0.55) == ["red", "green"]
    slider.focus()
    for _ in range(10):
        tab.keyboard.press("ArrowRight")
    assert slider.input_value() == "60"
    assert seen(tab, 0.55, 0.65) == ["red", "green"]
    tab.keyboard.press("Home")
    assert seen(tab, 0.05, 0.95) == ["green", "green"]

    box = frame.bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    tab.mouse.move(box["x"] + 0.5 * box["width"], middle)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 0.8 * box["width"], middle, steps=3)
    tab.mouse.up()
    tab.mouse.move(box["x"] + 0.1 * box["width"], middle)
    assert slider.input_value() == "80"
    assert seen(tab, 0.75, 0.85) == ["red", "green"]

    tab.locator("#right").select_option(index=2)
    assert seen(tab, 0.75, 0.85) == ["red", "blue"]
    tab.locator("#left").select_option(index=1)
    assert seen(tab, 0.75, 0.85) == ["green", "blue"]
    # A picture without a sharp one says what it shows in its place.
    assert tab.locator(".tag.right").all_inner_texts() == ["sharp", "blurred"]
    assert log.complaints == []


def test_nothing_leaves_the_page_and_no_name_runs(opened: tuple[Page, Log]) -> None:
    tab, log = opened
    tab.wait_for_load_state("networkidle")
    assert log.requests == [tab.url]
    assert tab.title() == f"{NASTY}: leaderboard"
    assert tab.locator("h3").first.inner_text() == NASTY
    # Nor could a script that got in call home.
    tab.evaluate("fetch('http://127.0.0.1:9/').catch(() => {})")
    assert any("Content Security Policy" in text for text in log.complaints)


def test_the_table_is_sorted_by_a_column(opened: tuple[Page, Log]) -> None:
    tab, _ = opened
    table = tab.locator("table").first
    names = table.locator("tbody th")
    head = table.locator("thead th").nth(1)
    head.locator("button").click()
    assert names.all_inner_texts() == [NASTY, "blurred", "sharp"]
    assert head.get_attribute("aria-sort") == "descending"
    head.locator("button").click()
    # As numbers: as text, 101 would come before 25 and 9.
    assert names.all_inner_texts() == ["sharp", "blurred", NASTY]
    table.locator("thead button", has_text="seconds").click()
    assert names.all_inner_texts()[0] == "sharp"


def test_a_phone_need_not_scroll_sideways(opened: tuple[Page, Log]) -> None:
    tab, _ = opened
    tab.set_viewport_size({"width": 390, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth") == 390


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.starts: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.starts.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "img", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_markup_is_closed_and_holds_its_own_pictures(picture: np.ndarray) -> None:
    shown = [Picture(NASTY, picture, picture, {NASTY: picture})]
    tags = Tags(page.document(result(), METRICS, shown))
    assert tags.open == []
    assert [tag for tag, _ in tags.starts].count("script") == 1
    sources = [str(attributes["src"]) for tag, attributes in tags.starts if tag == "img"]
    assert len(sources) == 6
    assert all(source.startswith("data:image/webp;base64,") for source in sources)


def test_figures_that_are_absent_or_infinite_are_shown_as_such() -> None:
    models = [entry("a", float("inf")), entry("b", float("nan"))]
    text = page.document(whole(models), METRICS, [])
    assert 'data-value="Infinity"><strong>∞</strong>' in text
    assert 'data-value="">-' in text
    assert "<article>" not in text


def test_all_that_a_result_may_hold_is_shown() -> None:
    more: dict[str, Any] = {
        "ci": {"psnr": [24.5, 27.5], "ssim": None},
        "gain": {"psnr": 1.25},
        "gain_ci": {"psnr": [1.125, 1.5]},
        "wins": {"psnr": {"blurred": 0.75}},
        "worst": {"psnr": {"name": NASTY, "gain": -0.5}},
        "cost": {"gmacs": 4.44},
    }
    models = [entry("blurred", 25.0), entry("own", 26.0, **more)]
    other = {**whole([entry("blurred", 27.0)]), "protocol": "paper"}
    text = page.document(whole(models, other), METRICS, [])
    assert NASTY not in text
    for shown in ("24.50 to 27.50", ">+1.25<", "+1.12 to +1.50", ">75%<", ">-0.50<", ">4.44<"):
        assert shown in text
    assert "protocol paper</h2>" in text
    assert ">27.00<" in text


def test_the_crop_is_where_the_error_is_largest(picture: np.ndarray) -> None:
    blurred = np.tile(picture, (4, 4, 1))
    sharp = blurred.copy()
    sharp[300:310, 200:210] ^= 255
    y, x, side = worst_crop(blurred, sharp, 64)
    assert side == 64
    assert y <= 300 <= 310 <= y + side
    assert x <= 200 <= 210 <= x + side
