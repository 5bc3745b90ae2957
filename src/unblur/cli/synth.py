"""`unblur synth`: training pairs from sharp photos or a fast video."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from unblur.cli.errors import WRONG, fail, needs, reported
from unblur.cli.options import takes
from unblur.cli.output import echo, say
from unblur.inference.options import option


@dataclass(frozen=True)
class Options:
    source: Path = option(
        ..., "Folder of sharp photos, or a high-speed video.", argument=True, metavar="PHOTOS|VIDEO"
    )
    out: Path = option(..., "Folder for the pairs.", short="-o")
    count: int | None = option(
        None, "Number of pairs; by default one a photo, all of a video.", least=1
    )
    seed: int = option(0, "Seed; the same one makes the same pairs.")
    preset: Literal["mild", "real", "severe"] = option("real", "Strength of the blur of photos.")
    frames: bool = option(False, "The folder holds a video's frames, in order.")
    average: int | None = option(
        None, "Frames of a video to average, odd; by default 7 to 13.", least=3
    )
    response: Literal["signal", "srgb"] | None = option(
        None, "Encoding in which frames are averaged; by default both in turn."
    )


@takes(Options)
def synth(given: Options) -> None:
    """Make pairs of blurred and sharp images from sharp photos or a fast video."""
    if given.average is not None and given.average % 2 == 0:
        fail(f"--average is odd, so that there is a middle frame; not {given.average}", WRONG)
    with needs("train"):
        from unblur import synth as synthesis
    from unblur.cli.progress import bar

    with reported(), bar() as advance:
        options = synthesis.Options(
            given.seed, given.preset, given.frames, given.average, given.response
        )
        report = synthesis.synthesize_pairs(given.source, given.out, options, given.count, advance)
    for name, reason in report.skipped.items():
        say(f"{name}: {reason}")
    kept = f", {report.kept} of them made before" if report.kept else ""
    echo(f"{given.out}: {report.made + report.kept} pairs{kept}")
