"""Writes a robustness card: Markdown, an HTML page of the same, JSON, and the plots."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

from unblur import photo
from unblur.evaluate.page import asset
from unblur.evaluate.render import pipes
from unblur.robustness.plots import as_text, draw

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def write(card: dict[str, Any], out: Path) -> None:
    """Writes `card.md`, `card.html`, `card.json` and `NAME.png` for each stress into a folder.

    Raises:
        PhotoError: if a file cannot be written.
    """
    plots = {f"{stress['name']}.png": draw(stress) for stress in card["stresses"]}
    text = to_markdown(card)
    files = {
        **plots,
        "card.md": text.encode(errors="backslashreplace"),
        "card.html": to_html(text, plots).encode(errors="backslashreplace"),
        "card.json": json.dumps(card, indent=1).encode(),
    }
    for name, data in files.items():
        photo.save(data, out / name, overwrite=True)


def to_markdown(card: dict[str, Any]) -> str:
    """The card as Markdown; it names its plots as files beside it."""
    names = ", ".join(m["name"] for m in card["stresses"][0]["models"])
    lines = [
        f"# Robustness of {_plain(names)}", "",
        f"On {len(card['photos'])} photos ({_plain(card.get('source') or 'given')}). Gains are dB "
        "of PSNR over the picture that the model was given; agreement is the PSNR between two "
        "pictures that should be the same.", "",
        _summary(card), "",
    ]  # fmt: skip
    for stress in card["stresses"]:
        title = stress["title"]
        lines += [f"## {title}", "", stress["about"], ""]
        lines += [f"![{title}]({stress['name']}.png)", "", _table(stress), ""]
    lines += ["## How it was measured", "", *(f"- {_plain(c)}" for c in card["conditions"])]
    lines.append(f"- photos: {_plain(', '.join(card['photos']))}")
    if card["skipped"]:
        lines.append(f"- too small: {_plain(', '.join(card['skipped']))}")
    return "\n".join(lines) + "\n"


def to_html(text: str, plots: dict[str, bytes]) -> str:
    """A card's Markdown as a page with its plots embedded; it makes no requests."""
    from markdown_it import MarkdownIt

    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    for name, data in plots.items():
        uri = f"data:image/png;base64,{base64.b64encode(data).decode()}"
        body = body.replace(f'src="{name}"', f'src="{uri}"')
    body = body.replace("<table>", '<div class="scroll" tabindex="0"><table>')
    body = body.replace("</table>", "</table></div>")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<title>Robustness card</title>\n<link rel="icon" href="data:,">\n'
        f"<style>{asset('page.css')}</style>\n</head>\n"
        f'<body class="card">\n{body}</body>\n</html>\n'
    )


def _summary(card: dict[str, Any]) -> str:
    """A row for each stress: the gain at the mildest and hardest level, or the least agreement."""
    rows = []
    for stress in card["stresses"]:
        ends = dict.fromkeys(as_text(stress["levels"][i]) for i in (0, -1))
        cells = [_in_short(stress, model) for model in stress["models"]]
        rows.append([stress["title"], " to ".join(ends), *cells])
    names = [_plain(model["name"]) for model in card["stresses"][0]["models"]]
    return pipes([["stress", "levels", *names], *rows])


def _in_short(stress: dict[str, Any], model: dict[str, Any]) -> str:
    if stress["kind"] == "agreement":
        return f"agrees to {min(model['mean']):.2f} dB"
    pairs = zip(stress["levels"], model["mean"], strict=True)
    worse = ", ".join(as_text(level) for level, mean in pairs if mean < 0)
    harm = f"; worse than the input at {worse}" if worse else ""
    return f"{model['mean'][0]:+.2f} to {model['mean'][-1]:+.2f} dB{harm}"


def _table(stress: dict[str, Any]) -> str:
    sign = "+" if stress["kind"] == "gain" else ""
    heads = [stress["axis"], *(_plain(m["name"]) + " (least)" for m in stress["models"])]
    rows = [
        [
            as_text(level),
            *(f"{m['mean'][i]:{sign}.2f} ({m['least'][i]:{sign}.2f})" for m in stress["models"]),
        ]
        for i, level in enumerate(stress["levels"])
    ]
    return pipes([heads, *rows])


def _plain(text: str) -> str:
    """Text with the characters that Markdown interprets escaped."""
    return re.sub(r"([\\`*_\[\]<>|~&])", r"\\\1", " ".join(text.split()))
