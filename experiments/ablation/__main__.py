"""Train every row of the ablation with several seeds, measure the runs and write the table.

    python -m experiments.ablation --data PHOTOS [--data MORE]... --eval PAIRS [--eval MORE]...
        --out runs/ablation [--only NAME]... [--jobs 2] [--seeds 3] [--content-weights FILE]

A row is a change of config.toml, see rows.py. Its whole config is written to OUT/NAME/config.toml,
which `unblur train` takes too; with `--seeds 0` nothing else is done. Each run is one of `unblur
train` in OUT/NAME/seed-N; the same seed gives every row the same batches. The same command
continues after a kill: finished runs are kept, started ones resumed. Results go to
OUT/results.json, the table between the markers of docs/ablation.md.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from experiments import ROOT, documents
from experiments.ablation import table
from experiments.ablation.rows import ROWS
from unblur.errors import UnblurError
from unblur.training import config as configs
from unblur.training.config import TrainConfig

CONFIG = Path(__file__).with_name("config.toml")


@dataclass(frozen=True)
class Run:
    """One row with one seed."""

    name: str
    seed: int
    folder: Path
    settings: TrainConfig

    @property
    def id(self) -> str:
        return f"{self.name}/{self.seed}"

    @property
    def result(self) -> Path:
        return self.folder / "result.json"

    @property
    def output(self) -> Path:
        """Standard output and error of the run's process."""
        return self.folder.with_suffix(".txt")


def main(command: Sequence[str] | None = None) -> int:
    """Run the command line; returns 1 if a run failed or after one line on standard error."""
    command = sys.argv[1:] if command is None else command
    options = parse(command)
    try:
        rows = configs_of(options)
        runs = plan(rows, options)
        if options.run:
            return work(next(run for run in runs if run.id == options.run), options.eval)
        documents.require_place(options.table, table.PLACE)
        with _alone(options.out) as lock:
            for name, settings in rows.items():
                (options.out / name).mkdir(exist_ok=True)
                (options.out / name / "config.toml").write_text(configs.dumps(settings))
            print(f"each row's config: {options.out}/NAME/config.toml")
            failed = work_all(runs, options, command, lock)
        report(options)
        return failed
    except UnblurError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def parse(command: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m experiments.ablation", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add = parser.add_argument
    add("--data", type=Path, action="append", required=True, help="training data; repeatable")
    add("--eval", type=Path, action="append", default=[], help="pairs to measure on; repeatable")
    add("--out", type=Path, required=True, help="folder of the runs and their results")
    add("--only", action="append", help="name of a row to train; repeatable")
    add("--jobs", type=int, default=2, help="number of runs at a time")
    add("--seeds", type=int, default=3, help="number of runs of each row")
    add("--content-weights", type=Path, help="weights of the content loss's network")
    add("--config", type=Path, default=CONFIG, help="config of the reference row")
    add("--table", type=Path, default=ROOT / "docs" / "ablation.md", help="file for the table")
    add("--run", help=argparse.SUPPRESS)
    return parser.parse_args(command)


def configs_of(options: argparse.Namespace) -> dict[str, TrainConfig]:
    """The config of each selected row.

    Raises:
        UnblurError: for an unreadable config or an unknown row.
    """
    base = configs.load(options.config)
    base = configs.override(base, options.data, options.content_weights)
    for name in options.only or []:
        if name not in ROWS:
            raise UnblurError(f"--only {name}: there are {', '.join(ROWS)}")
    return {name: ROWS[name].of(base) for name in options.only or ROWS}


def plan(rows: Mapping[str, TrainConfig], options: argparse.Namespace) -> list[Run]:
    """The selected runs, all rows of a seed before the next seed.

    Raises:
        UnblurError: if a folder is trained and measured on, or holds a run of another config.
    """
    trained = [d.resolve() for d in options.data]
    for folder in (e.resolve() for e in options.eval):
        if any(folder.is_relative_to(d) or d.is_relative_to(folder) for d in trained):
            raise UnblurError(f"{folder}: is trained on; --eval takes images that --data has not")
    runs = []
    for seed in range(options.seeds):
        for name, settings in rows.items():
            folder = options.out / name / f"seed-{seed}"
            run = Run(name, seed, folder, replace(settings, seed=seed))
            if (folder / "config.toml").is_file():
                own = configs.load(folder / "config.toml")
                configs.require_equal(run.settings, own, f"{folder} was made")
            runs.append(run)
    return runs


def work_all(
    runs: list[Run], options: argparse.Namespace, command: Sequence[str], lock: int
) -> int:
    """Work through the runs, `--jobs` at a time; returns 1 if any failed.

    Each has its own process, which inherits the lock: if this process is killed, no other command
    can start before they have ended.
    """
    waiting = [run for run in runs if not finished(run, options.eval)]
    print(f"{len(waiting)} of {len(runs)} runs to do", flush=True)
    threads = max(1, (os.cpu_count() or 1) // options.jobs)
    environment = {"OMP_NUM_THREADS": str(threads), **os.environ}
    active: dict[Run, tuple[subprocess.Popen[bytes], float]] = {}
    failed, left = 0, len(waiting)
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    try:
        while waiting or active:
            while waiting and len(active) < options.jobs:
                run = waiting.pop(0)
                again = [sys.executable, "-m", "experiments.ablation", *command, "--run", run.id]
                with run.output.open("ab") as output:
                    process = subprocess.Popen(
                        again, stdout=output, stderr=output, env=environment, pass_fds=[lock]
                    )
                active[run] = process, time.monotonic()
            time.sleep(0.1)
            for run, (process, began) in list(active.items()):
                if process.poll() is None:
                    continue
                del active[run]
                left -= 1
                outcome = f"{time.monotonic() - began:.0f} s"
                if process.returncode:
                    failed, outcome = 1, f"failed, see {run.output}"
                print(f"{run.name} seed {run.seed}: {outcome}; {left} left", flush=True)
    finally:
        for process, _ in active.values():
            process.terminate()
        for process, _ in active.values():
            process.wait()
        signal.signal(signal.SIGTERM, before)
    return failed


def finished(run: Run, sets: Sequence[Path]) -> bool:
    """Whether a run has been trained, and measured on all of the sets."""
    if not run.result.is_file():
        return False
    from experiments.ablation.measure import HELD_OUT, set_name

    return {HELD_OUT, *map(set_name, sets)} <= json.loads(run.result.read_text())["sets"].keys()


def work(run: Run, sets: Sequence[Path]) -> int:
    """Train a run, or resume it, and measure it; returns 130 if the training was stopped."""
    from experiments.ablation.measure import measure
    from unblur.training.loop import train

    begun = (run.folder / "state.pt").is_file()
    if not begun and (run.folder / "config.toml").is_file():
        shutil.rmtree(run.folder)  # killed before its first checkpoint
    result = train(run.settings, run.folder, resume=begun, save_every=20.0)
    if result.step < run.settings.steps:
        return 130
    _write_json(run.result, {"name": run.name, **measure(run.folder, run.settings, sets)})
    return 0


def report(options: argparse.Namespace) -> None:
    """Write results.json and the table of all results in OUT, if there are any."""
    files = sorted(options.out.glob("*/seed-*/result.json"))
    results = [json.loads(file.read_text()) for file in files]
    if results:
        _write_json(options.out / "results.json", results)
        text = table.markdown(results)
        documents.put(options.table, table.PLACE, text)
        print(text)


def _write_json(path: Path, value: Any) -> None:
    """Write a file that is complete after a kill at any time, or not there."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(value, indent=1))
    part.replace(path)


@contextmanager
def _alone(out: Path) -> Iterator[int]:
    """Hold the folder's lock; yields its file descriptor."""
    out.mkdir(parents=True, exist_ok=True)
    with (out / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UnblurError(f"{out}: an ablation is running there; wait for its end") from None
        yield file.fileno()


if __name__ == "__main__":
    sys.exit(main())
