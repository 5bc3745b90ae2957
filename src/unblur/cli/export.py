"""`unblur export`: a checkpoint as an ONNX file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from unblur.cli.errors import needs, reported
from unblur.cli.options import file_name, takes
from unblur.cli.output import echo
from unblur.inference.options import option


@dataclass(frozen=True)
class Options:
    checkpoint: Path = option(
        ..., "best.safetensors of a run folder, or an exported ONNX file.", argument=True
    )
    out: Path = option(..., "ONNX file to write.", short="-o", read=file_name, metavar="FILE")
    int8: Path | None = option(
        None,
        "Quantise convolutions to 8 bits, calibrated on a folder of sharp photos.",
        metavar="PHOTOS",
    )


@takes(Options)
def export(given: Options) -> None:
    """Export a checkpoint as an ONNX file, and check that it computes the same."""
    with needs("train"):
        from unblur.training.export import export as run
    with reported():
        differences = run(given.checkpoint, given.out, given.int8)
    amount = "at most" if given.int8 is None else "a root mean square of"
    for size, difference in differences.items():
        echo(f"{size}: differs from PyTorch by {amount} {difference:.1e}")
    echo(f"{given.out}  {given.out.stat().st_size / 2**20:.1f} MiB")
