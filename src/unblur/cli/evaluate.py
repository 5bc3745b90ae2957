"""`unblur evaluate`: models on the same images, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from unblur.cli.errors import needs, reported
from unblur.cli.options import takes
from unblur.inference.options import TILE


@dataclass(frozen=True)
class Options:
    """The command's options."""

    dataset: Annotated[
        Path,
        typer.Argument(
            help="A dataset as it is downloaded, or blur/ and sharp/; for niqe, photos."
        ),
    ]
    model: Annotated[
        tuple[str, ...],
        typer.Option(
            help="Bundled name, ONNX file, or checkpoint (others' by spandrel); repeatable."
        ),
    ] = ("default",)
    protocol: Annotated[
        Literal["full", "paper"] | None,
        typer.Option(metavar="full|paper", help="Native size, or 256x256; by default both."),
    ] = None
    metric: Annotated[
        tuple[str, ...],
        typer.Option(
            help="psnr, ssim (both by default), psnr-y, ssim-3d, lpips, dists, niqe; repeatable."
        ),
    ] = ()
    layout: Annotated[
        str,
        typer.Option(
            help="Layout of the dataset: gopro, hide, realblur-j, ..., photos; auto finds it out."
        ),
    ] = "auto"
    blur: Annotated[
        str, typer.Option(help="Folder of the blurred images: blur, or GoPro's blur_gamma.")
    ] = "blur"
    engine: Annotated[
        Literal["onnx", "torch"],
        typer.Option(
            metavar="onnx|torch", help="Run unblur's checkpoints exported, or in PyTorch."
        ),
    ] = "onnx"
    tile: Annotated[int | None, TILE] = None
    cost: Annotated[
        bool, typer.Option(help="Measure time, memory, parameters and multiplications too.")
    ] = True
    json: Annotated[Path | None, typer.Option(help="Write all figures to this file.")] = None
    markdown: Annotated[Path | None, typer.Option(help="Write the tables to this file.")] = None
    html: Annotated[
        Path | None, typer.Option(help="Write a page with the tables and images to compare.")
    ] = None
    figure: Annotated[
        Path | None, typer.Option(help="Draw blurred, sharp and deblurred images, with details.")
    ] = None


@takes(Options)
def evaluate(given: Options) -> None:
    """Measure models on pairs, side by side: quality with its spread, and cost."""
    with needs("train"):
        from unblur import evaluate as evaluation
        from unblur.metrics import DEFAULT
    from unblur.cli.progress import bar

    with reported(), bar() as advance:
        evaluation.run(
            given.dataset,
            given.model,
            given.protocol,
            layout=given.layout,
            blur=given.blur,
            metric_names=given.metric or DEFAULT,
            runtime=given.engine,
            tile=given.tile,
            costs=given.cost,
            outputs=evaluation.Outputs(given.json, given.markdown, given.html, given.figure),
            advance=advance,
        )
