"""A result as tables: text for a terminal, and Markdown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rich.table import Table

from unblur.metrics import EQUAL

TITLES = {
    "full": "protocol full: native size",
    "paper": "protocol paper: both images resized to 256x256 by area first",
}
LISTED = 24
"""Sets of up to so many images are listed image by image."""

CITED = (
    ("Sun", 24.64, 0.842),
    ("Xu", 25.10, 0.890),
    ("Gong", 26.40, 0.863),
    ("DeblurGAN", 28.70, 0.858),
    ("Nah", 29.08, 0.913),
    ("Zhang", 29.19, 0.930),
    ("DeblurGAN-v2", 29.55, 0.934),
    ("Li", 29.89, 0.937),
    ("SRN", 30.10, 0.932),
    ("Tran", 30.20, 0.939),
    ("XYDeblur", 30.97, 0.950),
    ("the paper's own, at 256x256", 31.50, 0.958),
)
"""The paper's table: all 1111 test pairs, each row as its authors measured it, none by us."""


@dataclass(frozen=True)
class Sheet:
    """One table: a title, a header, rows of text, and the lines under it."""

    title: str
    header: list[str]
    rows: list[list[str]]
    notes: list[str] = field(default_factory=list)


def sheets(result: dict[str, Any]) -> list[Sheet]:
    """The tables of one protocol: quality, wins, images. The conditions stand under the first."""
    title = f"{result['dataset']}, {result['count']} images, {TITLES[result['protocol']]}"
    parts = [Sheet(title, *_quality(result), result["conditions"])]
    if len(result["models"]) > 2:
        parts.append(_wins(result))
    if result["count"] <= LISTED:
        parts.append(_images(result))
    return parts


def costs(result: dict[str, Any]) -> Sheet | None:
    """What the models cost; None if none was measured. It is the same under each protocol."""
    measured = [(m["name"], m["cost"]) for m in result["models"] if "cost" in m]
    if not measured:
        return None
    rows = [
        [
            name,
            f"{cost['seconds_per_megapixel']:.2f}",
            _or_none(cost["peak_bytes_per_megapixel"], lambda b: f"{b / 2**20:.0f}"),
            f"{cost['parameters'] / 1e6:.2f}",
            _or_none(cost["gmacs"], lambda g: f"{g:.2f}"),
            _or_none(cost["threads"], str),
        ]
        for name, cost in measured
    ]
    first = measured[0][1]
    return Sheet(
        "cost on this machine",
        ["model", "s / MP", "peak MiB / MP", "parameters, M", "GMAC at 256x256", "threads"],
        rows,
        [
            f"an image of {first['megapixels']:.2f} MP, the median of {first['runs']} after a warm "
            "run; memory above the loaded model's"
        ],
    )


def cited() -> Sheet:
    """The paper's own table of others' results, labelled as what it is."""
    return Sheet(
        "as cited by the paper, not measured here: all of GoPro's test set, SSIM of any kind",
        ["method", "PSNR / SSIM"],
        [[name, f"{psnr:.2f} / {ssim:.3f}"] for name, psnr, ssim in CITED],
    )


def text(sheet: Sheet) -> list[Any]:
    """For rich to print: the table, then its lines."""
    table = Table(title=sheet.title, title_justify="left")
    for index, name in enumerate(sheet.header):
        table.add_column(name, justify="right" if index else "left", overflow="fold")
    for row in sheet.rows:
        table.add_row(*row)
    return [table, *sheet.notes]


def markdown(all_sheets: list[Sheet]) -> str:
    """The same as a Markdown document."""
    parts = []
    for sheet in all_sheets:
        lines = [sheet.header, ["---", *["---:"] * (len(sheet.header) - 1)], *sheet.rows]
        table = "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)
        notes = "\n".join(f"- {_cell(note)}" for note in sheet.notes)
        parts.append("\n\n".join(filter(None, [f"### {_cell(sheet.title)}", table, notes])))
    return "\n\n".join(parts) + "\n"


def number(metric: str, value: float) -> str:
    """A score with as many digits as its table wants."""
    if metric.startswith("psnr"):
        return "inf" if value == EQUAL else f"{value:.2f}"
    return f"{value:.2f}" if metric == "niqe" else f"{value:.3f}"


def _quality(result: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    metrics = result["metrics"]
    first = metrics[0]["name"]
    arrows = {"higher": "↑", "lower": "↓"}
    header = ["model", *(f"{m['title']} {arrows[m['better']]}" for m in metrics)]
    header += [f"gain in {metrics[0]['title']}", "better on", "worst image"]
    rows = []
    for model in result["models"]:
        row = [model["name"]]
        for metric in metrics:
            name = metric["name"]
            row.append(number(name, model["mean"][name]) + _interval(name, model["ci"][name]))
        if "gain" in model:
            blurred = result["models"][0]["name"]
            worst = model["worst"][first]
            interval = _interval(first, model["gain_ci"][first], "+")
            row += [
                f"{model['gain'][first]:+{_digits(first)}}{interval}",
                f"{model['wins'][first][blurred]:.0%}",
                f"{worst['name']} ({worst['gain']:+{_digits(first)}})",
            ]
        else:
            row += ["", "", ""]
        rows.append(row)
    return header, rows


def _wins(result: dict[str, Any]) -> Sheet:
    metric = result["metrics"][0]
    models = result["models"]
    rows = [
        [
            model["name"],
            *(
                "" if other is model else f"{model['wins'][metric['name']][other['name']]:.0%}"
                for other in models
            ),
        ]
        for model in models[1:]
    ]
    title = f"images on which the row beats the column, by {metric['title']}; a tie is half"
    return Sheet(title, ["model", *(m["name"] for m in models)], rows)


def _images(result: dict[str, Any]) -> Sheet:
    names = [m["name"] for m in result["metrics"]]
    models = result["models"]
    rows = [
        [
            image["name"],
            *(" / ".join(number(n, m["images"][index][n]) for n in names) for m in models),
        ]
        for index, image in enumerate(models[0]["images"])
    ]
    title = "image by image: " + " / ".join(m["title"] for m in result["metrics"])
    return Sheet(title, ["image", *(m["name"] for m in models)], rows)


def _interval(metric: str, interval: list[float] | None, sign: str = "") -> str:
    if interval is None:
        return ""
    low, high = (f"{value:{sign}{_digits(metric)}}" for value in interval)
    return f" [{low}, {high}]"


def _digits(metric: str) -> str:
    return ".2f" if metric.startswith("psnr") or metric == "niqe" else ".3f"


def _or_none(value: Any, form: Any) -> str:
    return "unknown" if value is None else form(value)


def _cell(words: str) -> str:
    return words.replace("|", "\\|").replace("<", "&lt;")
