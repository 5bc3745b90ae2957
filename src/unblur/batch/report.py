"""What a run of `unblur deblur` says: lines for people, a bar on a terminal, JSON for machines."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from unblur.batch import Result
from unblur.batch.plan import Plan


class Report:
    """Told each result as it comes, and says it as it was asked to.

    Args:
        plan: what is to be done.
        folder: where results go in a run on folders, which says only the sum; else None, and
            each photo gets a line.
        as_json: a JSON object for each input on standard output, and one with the sum.
    """

    def __init__(self, plan: Plan, folder: Path | None, as_json: bool) -> None:
        self.folder = folder
        self.failures: list[Result] = []
        self._plan, self._json = plan, as_json
        self._began = time.perf_counter()
        self._count: Counter[str] = Counter()
        self._bar = _Bar(len(plan.jobs)) if folder is not None else None

    @property
    def left(self) -> int:
        """Inputs of which nothing is known yet."""
        todo = self._plan
        return len(todo.jobs) + len(todo.clashes) + len(todo.failures) - self._count.total()

    def __enter__(self) -> Self:
        for path in self._plan.loops:
            say(f"{path}: is a symbolic link in a circle, and not followed")
        # Said at once too: whoever sees it may want to stop the run.
        if self.folder is not None and self._plan.jobs:
            _say_all((c.path, c.reason) for c in self._plan.clashes)
        for problem in (*self._plan.clashes, *self._plan.failures):
            self.add(Result(problem.path, problem.out, "failed", 0.0, problem.reason))
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def add(self, result: Result) -> None:
        self._count[result.status] += 1
        if result.status == "failed":
            self.failures.append(result)
        if self._bar:
            self._bar.advance(result, self._count)
        if self._json:
            _print_json(_as_dict(result))
        elif self.folder is None and result.status in ("done", "unchanged"):
            note = "" if result.status == "done" else "  (nothing to deblur: copied as it is)"
            echo(f"{result.out}  {result.seconds:.1f} s{note}")

    def end(self) -> None:
        """The failures, in the order of the work, and the sum."""
        order = {job.path: index for index, job in enumerate(self._plan.jobs)}
        self.failures.sort(key=lambda f: order.get(f.path, -1))
        _say_all((f.path, f.error or "") for f in self.failures)
        seconds = time.perf_counter() - self._began
        names = ("done", "unchanged", "skipped", "failed")
        if self._json:
            counts: dict[str, Any] = {name: self._count[name] for name in names}
            counts |= {"others": self._plan.others, "seconds": round(seconds, 3)}
            _print_json({"summary": counts})
        elif self.folder is not None:
            said = ("deblurred", "copied as they were", "done before", "failed")
            parts = [
                f"{self._count[name]} {text}"
                for name, text in zip(names, said, strict=True)
                if self._count[name] or name == "done"
            ]
            if self._plan.others:
                files = "file" if self._plan.others == 1 else "files"
                parts.append(f"{self._plan.others} other {files} left alone")
            echo(f"{self.folder}: {', '.join(parts)}  {seconds:.1f} s")


def say(message: str) -> None:
    """A line on standard error."""
    _print(f"unblur: {message}", sys.stderr)


def echo(message: str) -> None:
    """A line on standard output."""
    _print(message, sys.stdout)


def printable(text: str) -> str:
    """One line that any terminal takes: control characters and bytes of no letter are escaped."""
    return "".join(c if c.isprintable() else _escape(c) for c in text)


class _Bar:
    """Photos done, photos a second and the time left, while standard error is a terminal."""

    def __init__(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeRemainingColumn as Left

        console = Console(stderr=True)
        self._progress = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            Left(),
            TextColumn("left{task.fields[failed]}"),
            console=console,
            disable=not console.is_terminal,
            transient=True,
            redirect_stdout=sys.stdout.isatty(),  # what goes to a file stays out of the bar's way
        )
        self._total, self._worked = total, 0
        self._task = self._progress.add_task("", total=total, speed="", failed="")

    def start(self) -> None:
        self._began = time.perf_counter()
        self._progress.start()

    def stop(self) -> None:
        self._progress.stop()

    def advance(self, result: Result, count: Counter[str]) -> None:
        if not self._progress.live.is_started:
            return
        # What was done before took no time, and would make the time left look short.
        if result.status == "skipped":
            self._total -= 1
        else:
            self._worked += 1
        speed = self._worked / max(time.perf_counter() - self._began, 1e-3)
        self._progress.update(
            self._task,
            total=self._total,
            completed=self._worked,
            speed=f"{speed:.2f} photos/s",
            failed=f", {count['failed']} failed" if count["failed"] else "",
        )


def _say_all(problems: Iterable[tuple[str, str]]) -> None:
    for path, reason in problems:
        say(f"{path}: {reason}")


def _as_dict(result: Result) -> dict[str, Any]:
    said: dict[str, Any] = {
        "input": result.path,
        "output": result.out,
        "status": result.status,
        "seconds": result.seconds,
    }
    return said | ({"error": result.error} if result.error else {})


def _print_json(said: dict[str, Any]) -> None:
    # ASCII: the bytes of a name that is not UTF-8 come back by os.fsencode of what is read.
    print(json.dumps(said), flush=True)


def _print(line: str, stream: Any) -> None:
    encoding = stream.encoding or "utf-8"
    print(printable(line).encode(encoding, "backslashreplace").decode(encoding), file=stream)


def _escape(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python holds a byte that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()
