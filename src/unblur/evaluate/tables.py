"""The tables of a result: which columns there are, and where their figures stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unblur.evaluate.render import Column, Path, Table
from unblur.metrics import EQUAL, Metric

TITLES = {
    "full": "protocol full: native size",
    "paper": "protocol paper: both images resized to 256x256 by area first",
}
LISTED = 24
"""Datasets of up to this many images are listed image by image in text and Markdown."""

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

MODEL = Column("model")
COSTS = (
    Column("seconds per megapixel", ("cost", "seconds_per_megapixel"), ".2f", "lower", "s / MP"),
    Column("MiB per megapixel", ("cost", "peak_bytes_per_megapixel"), ".0f", "lower",
           "peak MiB / MP", 2**20, missing="unknown"),
    Column("parameters, millions", ("cost", "parameters"), ".2f", "lower", "parameters, M", 1e6),
    Column("GMAC", ("cost", "gmacs"), ".2f", "lower", "GMAC at 256x256", missing="unknown"),
    Column("threads", ("cost", "threads"), ".0f", missing="unknown"),
)  # fmt: skip


def of_protocol(result: dict[str, Any], metrics: Sequence[Metric]) -> list[Table]:
    """The tables of one protocol: quality with the conditions under it, wins, images."""
    models, first = result["models"], metrics[0]
    title = f"{result['dataset']}, {result['count']} images, {TITLES[result['protocol']]}"
    tables = [Table(title, _quality(result, metrics), models, result["conditions"])]
    if len(models) > 2:
        title = f"images on which the row beats the column, by {first.title}; a tie is half"
        wins = [Column(m["name"], ("wins", first.name, m["name"]), ".0%") for m in models]
        tables.append(Table(title, [MODEL, *wins], models[1:]))
    if result["count"] <= LISTED:
        title = "image by image: " + " / ".join(m.title for m in metrics)
        names = [Column("image", (0,)), *(Column(m["name"], (i,)) for i, m in enumerate(models, 1))]
        tables.append(Table(title, names, _joined(images(result, metrics), len(metrics))))
    return tables


def costs(result: dict[str, Any]) -> list[Table]:
    """What the models cost, none if it was not measured. It is the same under each protocol."""
    measured = [model for model in result["models"] if "cost" in model]
    if not measured:
        return []
    first = measured[0]["cost"]
    note = (
        f"an image of {first['megapixels']:.2f} MP, the median of {first['runs']} after a warm "
        "run; memory above the loaded model's"
    )
    return [Table("cost on this machine", [MODEL, *COSTS], measured, [note])]


def cited() -> Table:
    """The paper's own table of others' results, labelled as what it is."""
    title = "as cited by the paper, not measured here: all of GoPro's test set, SSIM of any kind"
    entries = [(name, f"{psnr:.2f} / {ssim:.3f}") for name, psnr, ssim in CITED]
    return Table(title, [Column("method", (0,)), Column("PSNR / SSIM", (1,))], entries)


def leaderboard(result: dict[str, Any], metrics: Sequence[Metric]) -> Table:
    """Quality, gains and cost in one table, without columns in which nothing was measured."""
    models = result["models"]
    columns = [*_quality(result, metrics), *COSTS]
    measured = [c for c in columns if any(c.value(model) is not None for model in models)]
    return Table("", measured, models)


def images(result: dict[str, Any], metrics: Sequence[Metric]) -> Table:
    """Every image's scores, a column for each metric of each model."""
    columns = [
        scores(metric, (i, metric.name), f"{model['name']}: {metric.title}")
        for i, model in enumerate(result["models"])
        for metric in metrics
    ]
    entries = list(zip(*(model["images"] for model in result["models"]), strict=True))
    return Table("", [Column("image", (0, "name")), *columns], entries)


def scores(metric: Metric, path: Path, title: str = "", interval: Path = ()) -> Column:
    """A column of a metric's scores."""
    form = f".{metric.digits}f"
    title = title or metric.title
    return Column(title, path, form, metric.better, interval=interval, infinity=EQUAL)


def _quality(result: dict[str, Any], metrics: Sequence[Metric]) -> list[Column]:
    """Means, and by the first metric the gain over the first row: the blurred input."""
    means = [scores(m, ("mean", m.name), interval=("ci", m.name)) for m in metrics]
    first, blurred = metrics[0].name, result["models"][0]["name"]
    form = f"+.{metrics[0].digits}f"
    return [
        MODEL,
        *means,
        Column("gain", ("gain", first), form, "higher", f"gain in {metrics[0].title}",
               interval=("gain_ci", first)),
        Column("images improved", ("wins", first, blurred), ".0%", "higher", "better on"),
        Column("worst image's gain", ("worst", first, "gain"), form, "higher", "worst image",
               label=("worst", first, "name")),
    ]  # fmt: skip


def _joined(table: Table, step: int) -> list[list[str]]:
    """The rows as text, each `step` cells after the first joined into one."""
    return [
        [name, *(" / ".join(cells[i : i + step]) for i in range(0, len(cells), step))]
        for name, *cells in table.plain()[1:]
    ]
