"""`unblur robustness`: a model's robustness card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unblur.cli.errors import needs, reported
from unblur.cli.output import echo


def robustness(
    photos: Annotated[
        Path | None,
        typer.Argument(help="Folder of sharp photos; by default the four of scikit-image."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", help="Bundled name, ONNX file or checkpoint; repeatable."),
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the card.")] = Path(
        "robustness"
    ),
    count: Annotated[int, typer.Option(min=1, help="Largest number of photos.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Seed of photos, shakes and noise.")] = 0,
) -> None:
    """Draw a model's robustness card: harm, noise, JPEG, blur, saturation, rotation, tiles."""
    with needs("train"):
        from unblur import robustness as card
    from unblur.cli.progress import bar

    with reported(), bar() as advance:
        card.run(photos, model or ["default"], out, count, seed, advance)
    echo(f"{out / 'card.html'}")
