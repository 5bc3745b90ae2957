"""The tables of docs/paper.md, made from the stored results."""

from __future__ import annotations

import textwrap
from typing import Any

from benchmarks import machine

from unblur.evaluate.tables import CITED, TITLES

PLACE = "verdict"
PAPER, DEBLURGAN, DEFAULT = "the paper's model", "DeblurGAN's generator", "the default model"


def markdown(quality: dict[str, dict[str, Any]], cost: dict[str, Any]) -> str:
    """A table for each protocol, the published results and the costs, as Markdown.

    Args:
        quality: `measure.qualities`'s result.
        cost: `measure.costs`'s result.
    """
    parts = []
    for name, result in quality.items():
        title = f"**{result['dataset']}, {result['count']} pairs, {TITLES[name]}**"
        rows = [["model", "PSNR", "SSIM", "gain, dB [95 %]", "better on", "worst pair"]]
        rows += [_quality_row(model) for model in result["models"]]
        parts += [title, _table(rows)]
    cited = [["as cited by the paper, not measured here", "PSNR", "SSIM"]]
    cited += [[name, f"{psnr:.2f}", f"{ssim:.3f}"] for name, psnr, ssim in CITED]
    parts += [
        "**Published**: all 1111 test pairs, each row as its authors measured it, SSIM of any kind",
        _table(cited),
    ]
    networks = cost["networks"]
    runs = [key for key in networks[PAPER] if key not in ("parameters", "gmacs")]
    rows = [["network", "parameters, M", "GMAC at 256x256", *(f"{run}, s" for run in runs)]]
    for name, own in networks.items():
        cells = [name, f"{own['parameters'] / 1e6:.2f}", f"{own['gmacs']:.1f}"]
        rows.append([*cells, *(_seconds(own[run]) for run in runs)])
    about = (
        f"**Cost**: {machine.name(cost['machine'])}; load {cost['load']}. Seconds are medians "
        f"[least, most]; then the ratio to {PAPER} and the process's peak."
    )
    return "\n\n".join([*parts, textwrap.fill(about, 100), _table(rows)])


def _quality_row(model: dict[str, Any]) -> list[str]:
    names = {"default": DEFAULT, "blurred": "blurred input"}
    name = names.get(model["name"], PAPER)
    row = [name, f"{model['mean']['psnr']:.2f}", f"{model['mean']['ssim']:.3f}"]
    if "gain" not in model:
        return [*row, "", "", ""]
    low, high = model["gain_ci"]["psnr"] or (model["gain"]["psnr"],) * 2
    return [
        *row,
        f"{model['gain']['psnr']:+.2f} [{low:+.2f}, {high:+.2f}]",
        f"{model['wins']['psnr']['blurred']:.0%}",
        f"{model['worst']['psnr']['gain']:+.2f}",
    ]


def _seconds(run: dict[str, Any]) -> str:
    span = f"{run['seconds']:.2f} [{run['low']:.2f}, {run['high']:.2f}]"
    return f"{span}, {run['ratio']:.2f}x, {run['peak_gb']:.1f} GB"


def _table(rows: list[list[str]]) -> str:
    head, *rest = rows
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rest))
