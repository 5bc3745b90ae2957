"""What long commands show while they run: live where there is a terminal, else plain lines."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar

from unblur.config import TrainConfig
from unblur.train import Progress


@contextmanager
def bar() -> Iterator[Callable[[int, int | None], None]]:
    """A function to call with the number done and of all; silent without a terminal."""
    console = Console(stderr=True)
    with Bar(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@contextmanager
def show(config: TrainConfig) -> Iterator[Callable[[Progress], None]]:
    """A function to call after every step; the display ends with the context."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines(console)
        return
    columns = (
        TextColumn("step"),
        MofNCompleteColumn(),
        BarColumn(),
        TextColumn("{task.description}"),
    )
    with Bar(*columns, console=console, refresh_per_second=4) as bar:
        task = bar.add_task("starting", total=config.steps)

        def report(progress: Progress) -> None:
            bar.update(
                task, completed=progress.step, total=progress.steps, description=_text(progress)
            )
            if progress.checked and progress.psnr is not None:
                bar.console.print(
                    f"step {progress.step}: validation {progress.psnr:.2f} dB, "
                    f"{progress.gain:+.2f} dB over the blurred images"
                )

        yield report


def _lines(console: Console) -> Callable[[Progress], None]:
    last = 0.0

    def report(progress: Progress) -> None:
        nonlocal last
        if progress.checked or time.monotonic() - last >= 30:
            last = time.monotonic()
            console.print(
                f"step {progress.step}/{progress.steps}  {_text(progress)}", soft_wrap=True
            )

    return report


def _text(progress: Progress) -> str:
    left = time.strftime("%H:%M:%S", time.gmtime(min(progress.seconds_left, 359999)))
    losses = "  ".join(f"{name} {value:.4g}" for name, value in progress.losses.items())
    psnr = "" if progress.psnr is None else f"  {progress.psnr:.2f} dB ({progress.gain:+.2f})"
    speed = f"{progress.images_per_second:.1f} images/s  wait {progress.wait:.0%}"
    return f"{left} left  {speed}{psnr}  {losses}"
