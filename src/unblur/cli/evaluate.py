"""`unblur evaluate`: models on the same images, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from unblur.cli.errors import needs, reported
from unblur.cli.options import file_name, takes
from unblur.inference.options import MODEL, TILE, TRUST, option


@dataclass(frozen=True)
class Options:
    dataset: Path = option(
        ..., "A dataset as it is downloaded, or blur/ and sharp/; for niqe, photos.", argument=True
    )
    model: tuple[str, ...] = option(("default",), f"{MODEL.help} Repeatable.")
    trust: bool = option(False, TRUST)
    protocol: Literal["full", "paper"] | None = option(
        None, "Native size, or 256x256; by default both."
    )
    metric: tuple[str, ...] = option(
        (), "psnr, ssim (both by default), psnr-y, ssim-3d, lpips, dists, niqe; repeatable."
    )
    layout: str = option(
        "auto", "Layout of the dataset: gopro, hide, realblur-j, ..., photos; auto finds it out."
    )
    blur: str = option("blur", "Folder of the blurred images: blur, or GoPro's blur_gamma.")
    engine: Literal["onnx", "torch"] = option(
        "onnx", "Run unblur's checkpoints exported, or in PyTorch."
    )
    tile: int | None = option(None, TILE)
    cost: bool = option(True, "Measure time, memory, parameters and multiplications too.")
    json: Path | None = option(
        None, "Write all figures to this file.", read=file_name, metavar="FILE"
    )
    markdown: Path | None = option(
        None, "Write the tables to this file.", read=file_name, metavar="FILE"
    )
    html: Path | None = option(
        None, "Write a page with the tables and images to compare.", read=file_name, metavar="FILE"
    )
    figure: Path | None = option(
        None,
        "Draw blurred, sharp and deblurred images, with details.",
        read=file_name,
        metavar="FILE",
    )


@takes(Options)
def evaluate(given: Options) -> None:
    """Measure models on pairs, side by side: quality with its spread, and cost."""
    with needs("train"):
        from unblur import evaluate as evaluation
        from unblur.metrics import DEFAULT
    from unblur.cli.opening import opening
    from unblur.cli.progress import bar

    with reported(), opening(), bar() as advance:
        evaluation.run(
            given.dataset,
            given.model,
            given.protocol,
            layout=given.layout,
            blur=given.blur,
            metric_names=given.metric or DEFAULT,
            runtime=given.engine,
            tile=given.tile,
            trust=given.trust,
            costs=given.cost,
            outputs=evaluation.Outputs(given.json, given.markdown, given.html, given.figure),
            advance=advance,
        )
