"""Reports the results of `unblur deblur`: lines, a bar on a terminal, or JSON."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from unblur.batch.plan import Plan, Result
from unblur.cli.errors import DONE, FAILED, STOPPED, in_words
from unblur.cli.output import echo, say
from unblur.cli.progress import Rows, photos_bar, rows
from unblur.inference.options import scale_text

_SUMMARY = {
    "done": "deblurred",
    "unchanged": "copied as they were",
    "skipped": "done before",
    "failed": "failed",
}


class Report:
    """Prints the results that are added to it.

    Args:
        folder: where the results go, if inputs are folders: then only a summary is printed, else
            a line for each photo (none for one that goes to standard output).
        as_json: whether to print a JSON object for each input, and one with the summary.
        verbose: whether to say at which scales a photo was deblurred, if not at full size alone.
    """

    def __init__(
        self, plan: Plan, folder: Path | None, as_json: bool, verbose: bool = False
    ) -> None:
        self._plan, self._folder, self._json = plan, folder, as_json
        self._verbose = verbose
        self._began = time.perf_counter()
        self._count: Counter[str] = Counter()
        self._failures: list[Result] = []
        self._advance = None
        self._rows: Rows | None = None
        self._shown = ExitStack()

    def __enter__(self) -> Self:
        for path in self._plan.loops:
            say(f"{path}: is a symbolic link in a circle, and not followed")
        # Before the work too, so that the run can be stopped.
        if self._folder is not None and self._plan.jobs:
            _say_all(self._plan.clashes)
        for result in (*self._plan.clashes, *self._plan.failures):
            self.add(result)
        if self._folder is not None:
            bar = photos_bar(len(self._plan.jobs))
            self._advance, self._rows = self._shown.enter_context(bar)
        else:
            self._rows = self._shown.enter_context(rows())
        return self

    def __exit__(self, *_: object) -> None:
        self._shown.close()

    def progress(self, path: str, done: int, total: int) -> None:
        """Shows how far an input is, if it takes long; as of `batch.runner.Options`."""
        if self._rows:
            self._rows.report(path, done, total)

    def add(self, result: Result) -> None:
        if self._rows:
            self._rows.end(result.path)
        self._count[result.status] += 1
        if result.status == "failed":
            self._failures.append(result)
        if self._advance:
            self._advance(result.status == "skipped", self._count["failed"])
        if self._json:
            print_json(_as_dict(result))
        elif self._folder is None and result.status != "failed" and result.out != "-":
            echo(f"{result.out or result.path}  {result.seconds:.1f} s{_note(result)}")
        if self._verbose and (scales := _scales(result.scales or {})):
            say(f"{result.path}: {scales}")

    def end(self) -> int:
        """Reports the failures, in the order of the inputs, and the sum; returns the exit code."""
        order = {job.path: index for index, job in enumerate(self._plan.jobs)}
        _say_all(sorted(self._failures, key=lambda f: order.get(f.path, -1)))
        self._sum_up(time.perf_counter() - self._began)
        plan = self._plan
        left = len(plan.jobs) + len(plan.clashes) + len(plan.failures) - self._count.total()
        if left:
            again = "; the same command continues with them" if self._folder is not None else ""
            say(f"stopped, {left} left{again}")
            return STOPPED
        return FAILED if self._failures else DONE

    def _sum_up(self, seconds: float) -> None:
        others = self._plan.others
        if self._json:
            more = {"others": others, "seconds": round(seconds, 3)}
            print_json({"summary": {**counts_of(self._count), **more}})
        elif self._folder is not None:
            echo(f"{self._folder}: {in_sum(self._count, others)}  {seconds:.1f} s")


def counts_of(count: Mapping[str, int]) -> dict[str, Any]:
    """The number of inputs of each status, for a summary in JSON."""
    return {name: count.get(name, 0) for name in _SUMMARY}


def in_sum(count: Mapping[str, int], others: int) -> str:
    """ "4 deblurred, 1 failed, 2 other files left alone"."""
    parts = [
        f"{number} {_SUMMARY[name]}"
        for name, number in counts_of(count).items()
        if number or name == "done"
    ]
    if others:
        parts.append(f"{others} other file{'s' * (others > 1)} left alone")
    return ", ".join(parts)


def _say_all(failures: Iterable[Result]) -> None:
    for failure in failures:
        assert failure.error is not None
        named = str(failure.error.file) == failure.path
        say(f"{'' if named else failure.path + ': '}{in_words(failure.error)}")


def _note(result: Result) -> str:
    if result.status == "done":
        return ""
    why = f"sharp enough, {result.score} of 100" if result.left else "nothing to deblur"
    return f"  ({why}: {'copied as it is' if result.out else 'left alone'})"


def _scales(shares: Mapping[float, float]) -> str:
    """ "62 % at 1/2, 38 % at 2/3"; nothing if all is at full size, or nearly all."""
    percents = {scale: round(100 * share) for scale, share in shares.items()}
    told = sorted((scale for scale in percents if percents[scale]), key=lambda s: -percents[s])
    if told in ([], [1.0]):
        return ""
    return ", ".join(f"{percents[scale]} % at {scale_text(scale)}" for scale in told)


def _as_dict(result: Result) -> dict[str, Any]:
    said: dict[str, Any] = {
        "input": result.path,
        "output": result.out,
        "status": result.status,
        "seconds": result.seconds,
    }
    if result.score is not None:
        said["score"] = result.score
    if result.left:
        said["why"] = "sharp enough"
    if result.scales is not None:
        said["scales"] = {scale_text(s): round(share, 3) for s, share in result.scales.items()}
    if result.notes:
        said["notes"] = list(result.notes)
    return said | ({"error": in_words(result.error)} if result.error else {})


def print_json(said: dict[str, Any]) -> None:
    """Prints an object on a line of its own."""
    # ASCII: os.fsencode of what is read gives back the bytes of a name that is not UTF-8.
    print(json.dumps(said), flush=True)
