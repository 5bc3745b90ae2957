"""The progress of long commands: live on a terminal, else plain lines."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.filesize import decimal
from rich.live import Live
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as Bar
from rich.text import Text

if TYPE_CHECKING:  # a bar of photos needs no PyTorch
    from unblur.training.config import TrainConfig
    from unblur.training.loop import Progress


@contextmanager
def bar() -> Iterator[Callable[[int, int | None], None]]:
    """A bar, and a function to call with the number done and of all; silent without a terminal."""
    console = Console(stderr=True)
    # Standard output is printed above the bar on a terminal, and left alone in a file.
    above = sys.stdout.isatty()
    silent = not console.is_terminal
    with Bar(console=console, disable=silent, redirect_stdout=above) as progress:
        task = progress.add_task("", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@contextmanager
def download_bar() -> Iterator[Callable[[int, int | None], None]]:
    """A bar of a download with its speed and the time left; without a terminal, lines.

    Yields:
        A function to call with the bytes that there are, and of all, if that is known.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _download_lines(console)
        return
    columns = (
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Bar(*columns, console=console, transient=True, redirect_stdout=sys.stdout.isatty()) as bar:
        task = bar.add_task("", total=None, visible=False)

        def advance(done: int, total: int | None) -> None:
            bar.update(task, completed=done, total=total, visible=done != total)

        yield advance


@contextmanager
def stages() -> Iterator[Callable[[str, int, int], None]]:
    """A bar for each stage of a command; silent without a terminal.

    Yields:
        A function to call with a stage's name, the number done and that of all.
    """
    console = Console(stderr=True)
    with Bar(console=console, disable=not console.is_terminal) as progress:
        tasks = {}

        def advance(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(stage, total=total)
            progress.update(tasks[stage], completed=done)

        yield advance


class Rows:
    """A row for each input in work that takes long: a photo's tiles, a video's frames.

    A row appears with the first news after `LONG` seconds.
    """

    LONG = 2.0

    def __init__(self, progress: Bar) -> None:
        self._progress = progress
        self._began: dict[str, float] = {}
        self._rows: dict[str, TaskID] = {}

    def report(self, path: str, done: int, total: int) -> None:
        """To be called with how many of an input's tiles or frames are done; from any thread."""
        now = time.monotonic()
        if now - self._began.setdefault(path, now) < self.LONG:
            return
        if path not in self._rows:
            name = escape(Path(path).name)
            self._rows[path] = self._progress.add_task(name, total=total, speed="", failed="")
        self._progress.update(self._rows[path], completed=done, total=total)

    def end(self, path: str) -> None:
        """To be called when there is no more to do for an input."""
        self._began.pop(path, None)
        if (row := self._rows.pop(path, None)) is not None:
            self._progress.remove_task(row)


@contextmanager
def rows() -> Iterator[Rows]:
    """Rows alone; silent without a terminal."""
    with _photo_columns(Console(stderr=True)) as progress:
        yield Rows(progress)


@contextmanager
def photos_bar(
    total: int, lines: bool = False
) -> Iterator[tuple[Callable[[bool, int], None], Rows | None]]:
    """A bar of photos with their speed and the time left; silent without a terminal.

    Args:
        lines: whether a line is written every 30 s where there is no terminal.

    Yields:
        A function to call after each photo, with whether it was skipped and how many failed; and
        rows for those that take long, None if lines are written.
    """
    console = Console(stderr=True)
    if lines and not console.is_terminal:
        yield _photo_lines(console, total), None
        return
    with _photo_columns(console) as progress:
        task = progress.add_task("", total=total, speed="", failed="")
        began, worked = time.perf_counter(), 0

        def advance(skipped: bool, failed: int) -> None:
            nonlocal total, worked
            # A skipped photo takes no time, and would make the time left look short.
            if skipped:
                total -= 1
            else:
                worked += 1
            speed = f"{worked / max(time.perf_counter() - began, 1e-3):.2f} photos/s"
            failures = f", {failed} failed" if failed else ""
            progress.update(task, total=total, completed=worked, speed=speed, failed=failures)

        yield advance, Rows(progress)


def _photo_columns(console: Console) -> Bar:
    return Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
        TextColumn("left{task.fields[failed]}"),
        console=console,
        disable=not console.is_terminal,
        transient=True,
        redirect_stdout=sys.stdout.isatty(),  # as in `bar`
    )


@contextmanager
def show(config: TrainConfig) -> Iterator[Callable[[Progress], None]]:
    """A function to call for every line of the log. The display ends with the context."""
    from unblur.training.distributed import is_rank_zero

    console = Console(stderr=True, quiet=not is_rank_zero())
    if not console.is_terminal:
        yield _lines(console)
        return
    columns = (
        TextColumn("step"),
        MofNCompleteColumn(),
        BarColumn(),
        TextColumn("{task.fields[left]} left"),
    )
    steps, figures = Bar(*columns), Text()
    task = steps.add_task("", total=config.steps, left="")
    with Live(Group(steps, figures), console=console, refresh_per_second=4) as live:

        def report(progress: Progress) -> None:
            steps.update(task, completed=progress.step, total=progress.steps, left=_left(progress))
            figures.plain = f"{_speed(progress)}\n{_losses(progress)}"
            if progress.checked and progress.psnr is not None:
                live.console.print(
                    f"step {progress.step}: validation {progress.psnr:.2f} dB, "
                    f"{progress.gain:+.2f} dB over the blurred images"
                )

        yield report


def _download_lines(console: Console) -> Callable[[int, int | None], None]:
    last, before = time.monotonic(), -1

    def advance(done: int, total: int | None) -> None:
        nonlocal last, before
        now = time.monotonic()
        if before < 0:
            before = done
        elif now - last >= 10:
            of = f" of {decimal(total)}" if total else ""
            speed = decimal(round((done - before) / (now - last)))
            line = f"{decimal(done)}{of}  {speed}/s"
            console.print(line, soft_wrap=True, highlight=False)
            last, before = now, done

    return advance


def _photo_lines(console: Console, total: int) -> Callable[[bool, int], None]:
    began = last = time.monotonic()
    done = 0

    def advance(skipped: bool, failed: int) -> None:
        nonlocal last, done
        done, now = done + 1, time.monotonic()
        if now - last >= 30:
            last, speed = now, done / (now - began)
            left = round((total - done) / speed)
            console.print(
                f"{done}/{total} photos ({done / total:.1%})  {speed:.2f} photos/s  "
                f"{failed} failed  {left // 3600}:{left // 60 % 60:02}:{left % 60:02} left",
                soft_wrap=True,
                highlight=False,
            )

    return advance


def _lines(console: Console) -> Callable[[Progress], None]:
    last = 0.0

    def report(progress: Progress) -> None:
        nonlocal last
        if progress.checked or time.monotonic() - last >= 30:
            last = time.monotonic()
            console.print(
                f"step {progress.step}/{progress.steps}  {_left(progress)} left  "
                f"{_speed(progress)}  {_losses(progress)}",
                soft_wrap=True,
            )

    return report


def _left(progress: Progress) -> str:
    return time.strftime("%H:%M:%S", time.gmtime(min(progress.seconds_left, 359999)))


def _speed(progress: Progress) -> str:
    psnr = "" if progress.psnr is None else f"  {progress.psnr:.2f} dB ({progress.gain:+.2f})"
    return f"{progress.images_per_second:.1f} images/s  waits {progress.wait:.0%}{psnr}"


def _losses(progress: Progress) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in progress.losses.items())
