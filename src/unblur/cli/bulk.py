"""`unblur bulk`: a store of photos, by many machines."""

from __future__ import annotations

import json
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from unblur.cli.errors import FAILED, STOPPED, WORDS, WRONG, fail, in_words, needs
from unblur.cli.options import takes
from unblur.cli.output import say
from unblur.cli.stopping import stoppable
from unblur.errors import Action, UnblurError
from unblur.inference.options import (
    BEST,
    FULL,
    MAX_PIXELS,
    MODEL,
    SCALE,
    STRENGTH,
    TILE,
    TRUST,
    Precision,
    Scale,
    option,
)

if TYPE_CHECKING:
    from unblur.bulk.how import How
    from unblur.bulk.plan import BulkPlan
    from unblur.bulk.store import Store
    from unblur.inference.deblurrer import Deblurrer

_WORDS: dict[Action, str] = {
    **WORDS,
    "jobs": "machines with more memory are needed",
    "format": "unblur deblur writes it as {values}",
    "format-alone": "unblur deblur writes it as {values}",
}
"""The hint of an error, by its action, where this command has no option for it."""


def actors(text: str) -> tuple[int, int | None]:
    """Reads MIN:MAX, MIN: or one number; raises ValueError for anything else."""
    least, colon, most = text.partition(":")
    numbers = [int(n) if n.isascii() and n.isdecimal() else 0 for n in (least, most or "1")]
    low, high = numbers[0], numbers[1] if most else (None if colon else numbers[0])
    if min(numbers) < 1 or (high is not None and high < low):
        raise ValueError(f"MIN:MAX was expected, such as 2:8, 4 or 1: without an end, not {text}")
    return low, high


@dataclass(frozen=True)
class Options:
    source: str = option(
        ...,
        "Folder or URL (s3://, gs://, abfs://, ...) of photos, or a .txt or .parquet list of them.",
        argument=True,
        metavar="SOURCE",
    )
    out: str = option(..., "Folder or URL of the results.", short="-o", metavar="TARGET")
    address: str | None = option(
        None,
        "Ray cluster: auto, HOST:PORT or ray://HOST; by default Ray is started on this machine.",
    )
    actors: tuple[int, int | None] | None = option(
        None,
        "Workers: the least and the most; by default as many as there are cores for.",
        read=actors,
        metavar="MIN:MAX",
    )
    cpus_per_actor: int | None = option(None, "Cores of each worker; by default 4 or all.", least=1)
    model: str = option("default", MODEL)
    trust: bool = option(False, TRUST)
    strength: float = option(FULL, STRENGTH)
    best: bool = option(False, BEST)
    scale: Scale = option("auto", SCALE)
    precision: Precision = option(
        "auto", "Arithmetic: auto is the fastest of this machine, and is then that of all workers."
    )
    tile: int | None = option(None, TILE)
    overwrite: bool = option(False, "Write into a folder that holds other files.")
    max_pixels: int | None = option(None, MAX_PIXELS)
    json: bool = option(False, "Print one JSON object per photo, then a summary.")
    retry_killed: bool = option(False, "Try photos again with which two workers died.")


@takes(Options)
def bulk(given: Options) -> None:
    """Deblur all photos of a store on many machines; the same command again continues."""
    with needs("cluster"):
        import fsspec  # noqa: F401
        import pyarrow as pa  # noqa: F401
        import ray  # noqa: F401
    from unblur.bulk.how import choose_model
    from unblur.cli.opening import opening

    try:
        with opening():
            model, deblurrer = choose_model(given.model, given.precision, given.best, given.trust)
    except UnblurError as error:
        fail(in_words(error), WRONG)
    try:
        raise typer.Exit(_run(given, model, deblurrer))
    except UnblurError as error:
        fail(error.message(_WORDS), FAILED)
    except KeyboardInterrupt:
        fail("stopped; the same command continues", STOPPED)


def _run(given: Options, model: Any, deblurrer: Deblurrer) -> int:
    """Plans the run, holds the target, and does the work; returns the exit code."""
    from unblur.bulk.how import How
    from unblur.bulk.manifest import Manifest
    from unblur.bulk.plan import discard_work, make_plan, new_run
    from unblur.bulk.running import running
    from unblur.bulk.settings import digest_of, settings_of
    from unblur.bulk.store import Store
    from unblur.cli.bulk_report import BulkReport
    from unblur.cli.opening import say_of
    from unblur.inference.deblurrer import Deblurrer as Made
    from unblur.photo import MAX_PIXELS as LIMIT

    target, run = Store(given.out), new_run()
    target.check()
    with running(target, run, say) as held:
        tile = _tile(given, target, deblurrer)
        made = Made(deblurrer.engine, tile=tile, best=given.best, scale=given.scale)
        say_of(given.model, made.note)
        settings = settings_of(made, given.strength, deblurrer.engine.precision)
        digest = digest_of(settings)
        plan = make_plan(given.source, target, digest, given.overwrite, given.retry_killed, run)
        target.put_bytes(json.dumps(settings).encode(), _SETTINGS)
        limit = given.max_pixels or LIMIT
        how = How(model, tile, given.best, given.scale, given.strength, limit, _WORDS)
        manifest = Manifest(target, run)
        with BulkReport(plan, given.out, given.json) as report:
            if plan.total:
                _work(given, plan, how, manifest, report, held)
            discard_work(target, run)
            if not report.left:
                # Of millions it takes a minute, which a machine that is going away does not have.
                manifest.compact()
    return report.end()


_SETTINGS = ".unblur/settings.json"
"""Place of the settings of the last run, of which the next one takes the tile."""


def _work(given: Options, plan: BulkPlan, how: How, manifest: Any, report: Any, held: Any) -> None:
    from unblur.bulk.cluster import connected, pool_for
    from unblur.bulk.run import deblur_bulk

    with ExitStack() as stack:
        stack.enter_context(connected(given.address))
        # Behind Ray's start, which has a handler of its own.
        stop: threading.Event = stack.enter_context(stoppable(terminate=True))
        pool = pool_for(given.actors, given.cpus_per_actor, given.address is None)
        try:
            for records in deblur_bulk(plan, how, pool, stop, say):
                manifest.append(records)
                report.add(records)
                held.check()
        finally:
            manifest.flush()


def _tile(given: Options, target: Store, deblurrer: Deblurrer) -> int:
    """The tile that was asked for, that of the results before, or what the memory allows."""
    from unblur.inference.memory import tile_for_memory

    contract = deblurrer.engine.contract
    if given.tile:
        return given.tile
    before = _settings_before(target).get("tile")
    if isinstance(before, int) and before > 0:
        return before
    # Of a cluster, it is not this machine's memory that counts.
    return tile_for_memory(contract) if given.address is None else contract.tile


def _settings_before(target: Store) -> dict[str, Any]:
    try:
        found = json.loads(target.read_bytes(_SETTINGS))
    except (UnblurError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
