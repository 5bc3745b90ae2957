"""The leaderboard as one HTML file: tables, before/after sliders and crops at full size.

It embeds its pictures, style and script, and opens offline. Its content security policy forbids
every request and every other script.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import pyvips

from unblur import photo
from unblur.evaluate import render, tables
from unblur.evaluate.crops import worst_crop
from unblur.evaluate.measure import Picture
from unblur.metrics import Metric

CROP = 224
"""Side of the crops, in pixels."""
QUALITY = 90
"""Of the pictures, as lossy WebP; the crops are lossless."""
_LARGEST_WEBP = 16383


def write(
    result: dict[str, Any], metrics: Sequence[Metric], pictures: Sequence[Picture], path: Path
) -> None:
    """Writes the page, of about 10 MB for a dozen pictures of 1280x720.

    Args:
        result: as `unblur evaluate --json` writes it.
        metrics: those of the result.
        pictures: in the order of the page; may be empty.

    Raises:
        PhotoError: if the file cannot be written.
    """
    photo.save(
        document(result, metrics, pictures).encode(errors="backslashreplace"), path, overwrite=True
    )


def document(result: dict[str, Any], metrics: Sequence[Metric], pictures: Sequence[Picture]) -> str:
    """The page as text; arguments as `write`."""
    script = asset("page.js")
    count = result["count"]
    return Template(asset("page.html")).substitute(
        title=escape(result["dataset"]),
        about=f"protocol {result['protocol']}, {count} image" + "s" * (count != 1),
        style=asset("page.css"),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        leaderboard=render.html(tables.leaderboard(result, metrics), best=True),
        conditions="".join(f"<li>{escape(c)}</li>" for c in result["conditions"]),
        every_image=_every_image(result, metrics),
        others="".join(_other(other, metrics) for other in result["others"]),
        pictures=_pictures(result, metrics, pictures),
    )


def _other(result: dict[str, Any], metrics: Sequence[Metric]) -> str:
    table = render.html(tables.leaderboard(result, metrics), best=True)
    every = _every_image(result, metrics)
    return f"<section><h2>protocol {result['protocol']}</h2>{table}{every}</section>"


def _every_image(result: dict[str, Any], metrics: Sequence[Metric]) -> str:
    table = render.html(tables.images(result, metrics))
    return f"<details><summary>Every image</summary>{table}</details>"


def _pictures(
    result: dict[str, Any], metrics: Sequence[Metric], pictures: Sequence[Picture]
) -> str:
    if not pictures:
        return ""
    models = list(dict.fromkeys(name for picture in pictures for name in picture.restored))
    titles = ["blurred", *models, "sharp"]
    left, right = (
        "".join(  # values are numbers, as a model may be named "sharp"
            f'<option value="{kind}"{" selected" * (kind == chosen)}>{escape(title)}</option>'
            for kind, title in enumerate(titles)
        )
        for chosen in (0, 1)
    )
    articles = "".join(
        _article(p, models, titles, _scores(result, metrics, p.name)) for p in pictures
    )
    return (
        '<section aria-labelledby="compare"><h2 id="compare">Compare</h2>'
        f'<p class="bar"><label>left <select id="left">{left}</select></label> '
        f'<label>right <select id="right">{right}</select></label></p>{articles}</section>'
    )


def _article(picture: Picture, models: list[str], titles: list[str], scores: dict[str, str]) -> str:
    name = escape(picture.name)
    versions = [picture.blurred, *(picture.restored.get(m) for m in models), picture.sharp]
    images, crops = [], []
    y, x, side = _place(picture)
    for kind, (title, pixels) in enumerate(zip(titles, versions, strict=True)):
        if pixels is None:
            continue
        about = escape(f"{picture.name}: {title}")
        images.append(f'<img data-kind="{kind}" data-title="{escape(title)}" alt="{about}" '
                      f'src="{_data_uri(pixels)}">')  # fmt: skip
        # The truth has no scores, though a model may have its name.
        shown = scores.get(title, "") if kind < len(titles) - 1 else ""
        detail = _data_uri(pixels[y : y + side, x : x + side], lossless=True)
        crops.append(
            f'<figure><img width="{side}" height="{side}" alt="{about}, detail" src="{detail}">'
            f"<figcaption>{escape(title)}{shown}</figcaption></figure>"
        )
    height, width = picture.blurred.shape[:2]
    return (
        f'<article><h3>{name}</h3><div class="frame" style="--width: {width}; --height: {height}">'
        f'{"".join(images)}<span class="tag left"></span><span class="tag right"></span>'
        '<span class="line"></span><input type="range" min="0" max="100" value="50" '
        f'aria-label="{name}: how much of the left picture is seen"></div>'
        f'<div class="details">{"".join(crops)}</div>'
        f"<p>{side} x {side} pixels at 1:1, from {x}, {y}</p></article>"
    )


def _scores(result: dict[str, Any], metrics: Sequence[Metric], image: str) -> dict[str, str]:
    """The scores of an image as HTML, by model."""
    found = {}
    for model in result["models"]:
        entry = next(i for i in model["images"] if i["name"] == image)
        parts = (f"{m.title} {tables.scores(m, (m.name,)).figure(entry)}" for m in metrics)
        found[model["name"]] = f"<small>{escape(', '.join(parts))}</small>"
    return found


def _place(picture: Picture) -> tuple[int, int, int]:
    """The crop where the blurred image differs most from the truth, or else from a result."""
    others = (picture.sharp, *picture.restored.values(), picture.blurred)
    return worst_crop(picture.blurred, next(x for x in others if x is not None), CROP)


def _data_uri(pixels: np.ndarray, lossless: bool = False) -> str:
    image: Any = pyvips.Image.new_from_array(np.ascontiguousarray(pixels))
    if max(pixels.shape) > _LARGEST_WEBP:
        kind, data = "jpeg", image.jpegsave_buffer(Q=QUALITY)
    else:
        kind, data = "webp", image.webpsave_buffer(Q=QUALITY, lossless=lossless, effort=2)
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def asset(name: str) -> str:
    """A file of the page as text; the style sheet, page.css, is for other pages too."""
    return (resources.files("unblur.evaluate.page") / name).read_text(encoding="utf-8")
