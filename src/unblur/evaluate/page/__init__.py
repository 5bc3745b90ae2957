"""The leaderboard as one HTML file: a table, before/after sliders and details at full size.

It holds its pictures, style and script, and needs neither a server nor a network. A content
security policy in it forbids every request and every script but its own.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import pyvips

from unblur import photo
from unblur.evaluate.crops import worst_place
from unblur.evaluate.page.tables import every_image, leaderboard, quality_columns

DETAIL = 224
"""Side of the details, in pixels."""
QUALITY = 90
"""Of the pictures, as WebP; the details are without loss."""
_LARGEST_WEBP = 16383


@dataclass(frozen=True)
class Picture:
    """What the page shows of one image; arrays are (h, w, 3) uint8 of one size."""

    name: str
    blurred: np.ndarray
    sharp: np.ndarray | None = None
    """Without one, the detail is where the restored picture differs most from the blurred."""
    restored: dict[str, np.ndarray] = field(default_factory=dict)
    """By the name of the model, as it stands in the result."""


def write(result: dict[str, Any], pictures: list[Picture], path: Path) -> None:
    """Writes the page. Its size is that of the pictures: a dozen of 1280x720 are about 10 MB.

    Args:
        result: as `unblur evaluate --json` writes it: "models", each with "name", "mean" and
            "images"; of what else it may hold, "dataset", "protocol", "conditions", "metrics",
            "others" (the same under another protocol) and the models' "ci", "gain", "gain_ci",
            "wins", "worst" and "cost" are shown where they are there.
        pictures: in the order of the page; none are needed.

    Raises:
        PhotoError: if the file cannot be written.
    """
    photo.save(render(result, pictures).encode(), path, overwrite=True)


def render(result: dict[str, Any], pictures: list[Picture]) -> str:
    """The page's text; arguments as `write`."""
    script = _asset("page.js")
    models = result["models"]
    count = len(models[0]["images"]) if models else 0
    about = [f"protocol {result['protocol']}"] if result.get("protocol") else []
    about.append(f"{count} image" + "s" * (count != 1))
    return Template(_asset("page.html")).substitute(
        title=escape(str(result.get("dataset") or "Deblurring")),
        about=escape(", ".join(about)),
        style=style(),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        leaderboard=leaderboard(result),
        conditions="".join(f"<li>{escape(str(c))}</li>" for c in result.get("conditions") or []),
        every_image=every_image(result),
        others="".join(_other(other) for other in result.get("others") or []),
        pictures=_pictures(result, pictures),
    )


def _other(result: dict[str, Any]) -> str:
    title = escape(f"protocol {result.get('protocol', '')}")
    return f"<section><h2>{title}</h2>{leaderboard(result)}{every_image(result)}</section>"


def style() -> str:
    """The page's style sheet, for other pages of the same looks."""
    return _asset("page.css")


def _pictures(result: dict[str, Any], pictures: list[Picture]) -> str:
    if not pictures:
        return ""
    models = list(dict.fromkeys(name for picture in pictures for name in picture.restored))
    # Numbers, for a model may well be called "sharp".
    kinds = [str(i) for i in range(len(models) + 2)]
    titles = ["blurred", *models, "sharp"]
    right = 1 if models else len(titles) - 1
    choices = [
        "".join(
            f'<option value="{kind}"{" selected" * (kind == str(chosen))}>{escape(title)}</option>'
            for kind, title in zip(kinds, titles, strict=True)
        )
        for chosen in (0, right)
    ]
    articles = "".join(_article(result, picture, models, titles) for picture in pictures)
    return (
        '<section aria-labelledby="compare"><h2 id="compare">Compare</h2>'
        '<p class="bar"><label>left <select id="left">'
        f'{choices[0]}</select></label> <label>right <select id="right">{choices[1]}</select>'
        "</label></p>"
        f"{articles}</section>"
    )


def _article(result: dict[str, Any], picture: Picture, models: list[str], titles: list[str]) -> str:
    name = escape(picture.name)
    versions = [picture.blurred, *(picture.restored.get(m) for m in models), picture.sharp]
    images, details = [], []
    y, x, side = _place(picture)
    for kind, (title, pixels) in enumerate(zip(titles, versions, strict=True)):
        if pixels is None:
            continue
        about = escape(f"{picture.name}: {title}")
        images.append(f'<img data-kind="{kind}" data-title="{escape(title)}" alt="{about}" '
                      f'src="{_data_uri(pixels)}">')  # fmt: skip
        truth = kind == len(titles) - 1
        figures = "" if truth else _figures(result, picture.name, title)
        part = np.ascontiguousarray(pixels[y : y + side, x : x + side])
        details.append(
            f'<figure><img width="{side}" height="{side}" alt="{about}, detail" '
            f'src="{_data_uri(part, lossless=True)}"><figcaption>{escape(title)}'
            f"{figures}</figcaption></figure>"
        )
    height, width = picture.blurred.shape[:2]
    return (
        f'<article><h3>{name}</h3><div class="frame" style="--width: {width}; --height: {height}">'
        f'{"".join(images)}<span class="tag left"></span><span class="tag right"></span>'
        '<span class="line"></span><input type="range" min="0" max="100" value="50" '
        f'aria-label="{name}: how much of the left picture is seen"></div>'
        f'<div class="details">{"".join(details)}</div>'
        f"<p>{side} x {side} pixels at 1:1, from {x}, {y}</p></article>"
    )


def _figures(result: dict[str, Any], image: str, model: str) -> str:
    entries = [m for m in result["models"] if m["name"] == model]
    scores = [i for m in entries[:1] for i in m["images"] if i["name"] == image]
    if not scores:
        return ""
    parts = []
    for column in quality_columns(result):
        value = column.of_image(scores[0])
        parts.append(f"{column.title.split(',')[0]} {column.text(value)}")
    return f"<small>{escape(', '.join(parts))}</small>"


def _place(picture: Picture) -> tuple[int, int, int]:
    truth = picture.sharp
    if truth is None:
        truth = next(iter(picture.restored.values()), picture.blurred)
    return worst_place(picture.blurred, truth, DETAIL)


def _data_uri(pixels: np.ndarray, lossless: bool = False) -> str:
    image: Any = pyvips.Image.new_from_array(np.ascontiguousarray(pixels))
    if max(pixels.shape) > _LARGEST_WEBP:
        kind, data = "jpeg", image.jpegsave_buffer(Q=QUALITY)
    else:
        kind, data = "webp", image.webpsave_buffer(Q=QUALITY, lossless=lossless, effort=2)
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _asset(name: str) -> str:
    return (resources.files("unblur.evaluate.page") / name).read_text(encoding="utf-8")
