"""Reports what `unblur inspect` finds: a table on a terminal, else lines of cells, or JSON."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from unblur.batch.inspecting import Found
from unblur.batch.plan import Plan
from unblur.cli.errors import DONE, FAILED, STOPPED, in_words
from unblur.cli.output import echo_cells, printable, say
from unblur.errors import UnblurError
from unblur.inference.options import SHARP
from unblur.inspection import Inspection

_HEAD = "score  blurred  length  direction  radius  kind            photo"
_COLOURS = (("green", SHARP), ("yellow", SHARP / 2), ("red", 0))
_MARKS = "-/|\\"
"""Directions of 0, 45, 90 and 135 degrees."""


class Report:
    """Prints what is found.

    Args:
        as_json: whether to print a JSON object for each input, and one with the summary.
        target: the folder into which chosen photos are brought, if any.
        chosen: whether some are chosen among the photos, and only those are listed.
    """

    def __init__(self, plan: Plan, as_json: bool, target: Path | None, chosen: bool) -> None:
        self._plan, self._json, self._target, self._chosen = plan, as_json, target, chosen
        self._began = time.perf_counter()
        self._listed = self._blurred = self._inspected = 0
        self.failed: int = 0
        self._console = Console() if sys.stdout.isatty() and not as_json else None
        for path in plan.loops:
            say(f"{path}: is a symbolic link in a circle, and not followed")
        for failure in plan.failures:
            assert failure.error is not None
            self.fail(failure.path, failure.error, 0)

    def fail(self, path: str, error: UnblurError, seconds: float) -> None:
        """Reports an input that failed."""
        self.failed += 1
        said = in_words(error)
        say(said if str(error.file) == path else f"{path}: {said}")
        if self._json:
            _print_json({"input": path, "status": "failed", "seconds": seconds, "error": said})

    def add(self, found: Found, chosen: bool, burst: int | None, out: Path | None) -> None:
        """Lists a photo.

        Args:
            burst: the number of its burst, if bursts are told apart.
            out: its copy or link.
        """
        assert found.inspection is not None
        self._inspected += 1
        self._blurred += found.inspection.score < SHARP
        self._listed += chosen
        if self._json:
            _print_json(self._as_dict(found, chosen, burst, out))
        elif chosen and self._console:
            self._print_row(self._console, found.job.path, found.inspection)
        elif chosen:
            echo_cells([*_cells(found.inspection), found.job.path])

    def end(self, kept: int = 0) -> int:
        """Reports the sum; returns the exit code.

        Args:
            kept: number of photos that were inspected but not listed, because of a stop.
        """
        plan, done = self._plan, self._inspected + self.failed
        if self._json:
            counts: dict[str, Any] = {"done": self._inspected, "failed": self.failed}
            if self._chosen:
                counts["chosen"] = self._listed
            seconds = round(time.perf_counter() - self._began, 3)
            counts |= {"others": plan.others, "videos": plan.videos, "seconds": seconds}
            _print_json({"summary": counts})
        elif done + plan.others + plan.videos != 1:
            say(self._sum())
        left = len(plan.jobs) + len(plan.failures) - done
        if left > 0:
            say(f"stopped, {left} left" + ("; nothing was chosen" if kept else ""))
            return STOPPED
        return FAILED if self.failed else DONE

    def _sum(self) -> str:
        plan = self._plan
        parts = [f"{self._inspected} inspected"]
        if not self._chosen:
            parts.append(f"{self._blurred} of them blurred (a score below {SHARP})")
        elif self._target:
            parts.append(f"{self._listed} chosen, in {self._target}")
        else:
            parts.append(f"{self._listed} chosen")
        if self.failed:
            parts.append(f"{self.failed} failed")
        for count, what in ((plan.others, "other file"), (plan.videos, "video")):
            if count:
                parts.append(f"{count} {what}{'s' * (count > 1)} left alone")
        return f"{', '.join(parts)}  {time.perf_counter() - self._began:.1f} s"

    def _as_dict(
        self, found: Found, chosen: bool, burst: int | None, out: Path | None
    ) -> dict[str, Any]:
        inspection = found.inspection
        assert inspection is not None
        said: dict[str, Any] = {
            "input": found.job.path,
            "status": "done",
            "seconds": found.seconds,
            "width": inspection.width,
            "height": inspection.height,
            **inspection.as_dict(),
        }
        said |= {"map": str(found.map)} if found.map else {}
        said |= {"burst": burst} if burst is not None else {}
        said |= {"chosen": chosen} if self._chosen else {}
        return said | ({"output": str(out)} if out else {})

    def _print_row(self, console: Console, path: str, found: Inspection) -> None:
        if self._listed == 1:
            console.print(Text(_HEAD, "bold"), soft_wrap=True)
        score, _, length, angle, radius, kind = _cells(found)
        direction = f"{angle + ' deg' if angle else '-':>7} {_mark(found.angle)}"
        shown = [f"{cell if float(cell) else '-':>6}" for cell in (length, radius)]
        colour = (
            "green" if found.score >= SHARP else "yellow" if found.score >= SHARP / 2 else "red"
        )
        row = Text(f"{score:>5}", colour)
        row.append(f"  {found.blurred:>6.0%}   {shown[0]}  {direction}  {shown[1]}  {kind:<14}  ")
        row.append(printable(path))
        # Rich would break long paths, and colour the numbers in them.
        console.print(row, soft_wrap=True, highlight=False)


def _cells(found: Inspection) -> list[str]:
    """Score, share that is blurred, length, angle or nothing, radius, kind."""
    said = found.as_dict()
    angle = "" if found.angle is None else str(round(found.angle))
    return [str(said["score"]), str(said["blurred"]), str(said["length"]), angle,
            str(said["radius"]), found.kind]  # fmt: skip


def _mark(angle: float | None) -> str:
    return " " if angle is None else _MARKS[round(angle / 45) % 4]


def _print_json(said: dict[str, Any]) -> None:
    # ASCII, as in `unblur deblur --json`.
    print(json.dumps(said), flush=True)
