"""`unblur synth`: training pairs from sharp photos or a fast video."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from unblur.cli.errors import WRONG, fail, needs, reported
from unblur.cli.output import echo, say


def synth(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="PHOTOS|VIDEO", help="Folder of sharp photos, or a high-speed video."
        ),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the pairs.")],
    count: Annotated[
        int | None,
        typer.Option(min=1, help="Number of pairs; by default one a photo, all of a video."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed; the same one makes the same pairs.")] = 0,
    preset: Annotated[
        Literal["mild", "real", "severe"],
        typer.Option(metavar="mild|real|severe", help="Strength of the blur of photos."),
    ] = "real",
    frames: Annotated[
        bool, typer.Option("--frames", help="The folder holds a video's frames, in order.")
    ] = False,
    average: Annotated[
        int | None,
        typer.Option(min=3, help="Frames of a video to average, odd; by default 7 to 13."),
    ] = None,
    response: Annotated[
        Literal["signal", "srgb"] | None,
        typer.Option(
            metavar="signal|srgb",
            help="Curve under which frames are averaged; by default both in turn.",
        ),
    ] = None,
) -> None:
    """Make pairs of blurred and sharp images from sharp photos or a fast video."""
    if average is not None and average % 2 == 0:
        fail(f"--average is an odd number, so that there is a middle frame; not {average}", WRONG)
    with needs("train"):
        from unblur.synth import Options, synthesize_pairs
    from unblur.cli.progress import bar

    with reported(), bar() as advance:
        options = Options(seed, preset, frames, average, response)
        report = synthesize_pairs(source, out, options, count, advance)
    for name, reason in report.skipped.items():
        say(f"{name}: {reason}")
    kept = f", {report.kept} of them made before" if report.kept else ""
    echo(f"{out}: {report.made + report.kept} pairs{kept}")
