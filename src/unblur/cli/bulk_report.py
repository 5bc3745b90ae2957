"""Reports the results of `unblur bulk`, of which there may be millions: none is kept."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

from unblur.cli.errors import DONE, FAILED, STOPPED
from unblur.cli.output import echo, say
from unblur.cli.progress import photos_bar
from unblur.cli.report import counts_of, in_sum, print_json

if TYPE_CHECKING:
    from unblur.bulk.plan import BulkPlan
    from unblur.bulk.records import Record


class BulkReport:
    """Prints failures as they come, and the sum.

    Args:
        out: the target, as it was named.
        as_json: whether to print a JSON object for each photo, and one with the summary.

    Attributes:
        left: photos that are not done yet.
    """

    def __init__(self, plan: BulkPlan, out: str, as_json: bool) -> None:
        self._plan, self._out, self._json = plan, out, as_json
        self._began = time.perf_counter()
        self._count: Counter[str] = Counter(skipped=plan.skipped)
        self.left: int = plan.total
        self._advance = None
        self._shown = ExitStack()

    def __enter__(self) -> Self:
        for record in self._plan.killed_before:
            self._say(record, " by an earlier run; --retry-killed tries it again")
        if self._plan.videos:
            many = f"{self._plan.videos} video{'s are' if self._plan.videos > 1 else ' is'}"
            say(f"{many} left out: unblur deblur takes them")
        if self._plan.total:
            bar = photos_bar(self._plan.total, lines=True)
            self._advance, _ = self._shown.enter_context(bar)
        return self

    def __exit__(self, *_: object) -> None:
        self._shown.close()

    def add(self, records: Iterable[Record]) -> None:
        for record in records:
            self.left -= 1
            self._say(record)
            if self._advance:
                self._advance(False, self._count["failed"])

    def end(self) -> int:
        """Reports the sum; returns the exit code."""
        seconds, others = time.perf_counter() - self._began, self._plan.others
        if self._json:
            more = {"others": others, "videos": self._plan.videos, "seconds": round(seconds, 3)}
            print_json({"summary": {**counts_of(self._count), **more}})
        else:
            echo(f"{self._out}: {in_sum(self._count, others)}  {seconds:.1f} s")
        if self.left:
            say(f"stopped, {self.left} left; the same command continues with them")
            return STOPPED
        return FAILED if self._count["failed"] else DONE

    def _say(self, record: Record, more: str = "") -> None:
        failed = record.state in ("failed", "killed")
        status = "failed" if failed else record.state
        self._count[status] += 1
        reason = f"{record.reason}{more}"
        if failed:
            say(f"{record.source}: {reason}")
        for note in record.notes:
            say(f"{record.source}: the result is {note}")
        if self._json:
            said: dict[str, Any] = {
                "input": record.source,
                "output": record.result,
                "status": status,
                "seconds": record.seconds,
            }
            said |= {"notes": list(record.notes)} if record.notes else {}
            print_json(said | ({"error": reason} if failed else {}))
