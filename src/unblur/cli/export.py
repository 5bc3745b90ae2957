"""`unblur export`: a checkpoint as an ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unblur.cli.errors import needs, reported
from unblur.cli.output import echo


def export(
    checkpoint: Annotated[
        Path, typer.Argument(help="best.safetensors of a run folder, or an exported ONNX file.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="ONNX file to write.")],
    int8: Annotated[
        Path | None,
        typer.Option(
            metavar="PHOTOS",
            help="Quantise convolutions to 8 bits, calibrated on a folder of sharp photos.",
        ),
    ] = None,
) -> None:
    """Export a checkpoint as an ONNX file, and check that it computes the same."""
    with needs("train"):
        from unblur.training.export import export as run
    with reported():
        differences = run(checkpoint, out, int8)
    amount = "at most" if int8 is None else "a root mean square of"
    for size, difference in differences.items():
        echo(f"{size}: differs from PyTorch by {amount} {difference:.1e}")
    echo(f"{out}  {out.stat().st_size / 2**20:.1f} MiB")
