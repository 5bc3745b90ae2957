"""The paper's claims, tested: trains every row of an ablation with several seeds, and compares.

    python -m benchmarks.ablation --data PHOTOS [--data MORE]... --eval PAIRS [--eval MORE]...
        --out runs/ablation [--only NAME]... [--jobs 2] [--seeds 3] [--content-weights FILE]

Rows are the changes of `ablation_rows` to configs/ablation.toml; each whole config is written to
OUT/NAME/config.toml, for `unblur train` too (`--seeds 0` does no more than that). Every run is one
of `unblur train`, in OUT/NAME/seed-N; the same seed gives every row the same batches. Killed at any
time, the same command goes on: what is done is kept, what was begun is resumed. Results go to
OUT/results.json, the table between the markers of docs/ablation.md.

Measured are the middles of images that no run has seen: those held out of the data, blurred as in
training, and the folders of --eval.
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

from benchmarks import ROOT, documents
from benchmarks import ablation_table as table
from benchmarks.ablation_rows import ROWS
from unblur.errors import UnblurError
from unblur.photo.files import atomic
from unblur.training import config as configs
from unblur.training.config import TrainConfig

SIDE = 512
"""Of the middles that are measured, in pixels."""
IMAGES = 24
"""Of a set, at most, spread evenly over it."""
HELD_OUT = "held out"
"""Name of the set that is held out of the training data."""


@dataclass(frozen=True)
class Run:
    """One row with one seed."""

    name: str
    seed: int
    folder: Path
    settings: TrainConfig

    @property
    def result(self) -> Path:
        return self.folder / "result.json"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--eval", type=Path, action="append", default=[])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", action="append", help="a row's name; again for more")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--content-weights", type=Path)
    parser.add_argument("--config", type=Path, default=ROOT / "configs" / "ablation.toml")
    parser.add_argument("--table", type=Path, default=ROOT / "docs" / "ablation.md")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    try:
        rows = configs_of(arguments)
        runs = plan(rows, arguments)
        if arguments.run:
            (run,) = [r for r in runs if f"{r.name}/{r.seed}" == arguments.run]
            return work(run, arguments.eval)
        documents.require_place(arguments.table, table.PLACE)
        with _alone(arguments.out) as lock:
            for name, settings in rows.items():
                (arguments.out / name).mkdir(exist_ok=True)
                (arguments.out / name / "config.toml").write_text(configs.dumps(settings))
            print(f"each row's config: {arguments.out}/NAME/config.toml")
            failed = work_all(runs, arguments, lock)
        report(arguments)
        return failed
    except UnblurError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def configs_of(arguments: argparse.Namespace) -> dict[str, TrainConfig]:
    """The configs of the rows that are wanted.

    Raises:
        UnblurError: for a config or a row that is not there.
    """
    base = configs.load(arguments.config)
    base = configs.override(base, arguments.data, arguments.content_weights)
    for name in arguments.only or []:
        if name not in ROWS:
            raise UnblurError(f"--only {name}: there are {', '.join(ROWS)}")
    return {name: ROWS[name].of(base) for name in arguments.only or ROWS}


def plan(rows: Mapping[str, TrainConfig], arguments: argparse.Namespace) -> list[Run]:
    """The runs that are wanted, all rows of a seed before the next seed.

    Raises:
        UnblurError: for a folder that cannot be used.
    """
    trained = [d.resolve() for d in arguments.data]
    for folder in (e.resolve() for e in arguments.eval):
        if any(folder.is_relative_to(d) or d.is_relative_to(folder) for d in trained):
            raise UnblurError(f"{folder}: is trained on; --eval takes images that --data has not")
    runs = []
    for seed in range(arguments.seeds):
        for name, settings in rows.items():
            run = Run(
                name, seed, arguments.out / name / f"seed-{seed}", replace(settings, seed=seed)
            )
            if (run.folder / "config.toml").is_file():
                own = configs.load(run.folder / "config.toml")
                configs.require_equal(run.settings, own, f"{run.folder} was made")
            runs.append(run)
    return runs


def work_all(runs: list[Run], arguments: argparse.Namespace, lock: int) -> int:
    """Works through the runs, some at a time; 1 if any failed.

    Each has a process of its own, which shares the lock: should this one be killed, no other
    starts before they have ended.
    """
    waiting = [run for run in runs if not finished(run, arguments.eval)]
    print(f"{len(waiting)} of {len(runs)} runs to do", flush=True)
    threads = max(1, (os.cpu_count() or 1) // arguments.jobs)
    environment = {"OMP_NUM_THREADS": str(threads), **os.environ}
    active: dict[Run, tuple[subprocess.Popen[bytes], float]] = {}
    failed, left = 0, len(waiting)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    try:
        while waiting or active:
            while waiting and len(active) < arguments.jobs:
                run = waiting.pop(0)
                command = [sys.executable, "-m", "benchmarks.ablation", *sys.argv[1:]]
                command += ["--run", f"{run.name}/{run.seed}"]
                with run.folder.with_suffix(".txt").open("ab") as said:
                    process = subprocess.Popen(
                        command, stdout=said, stderr=said, env=environment, pass_fds=[lock]
                    )
                active[run] = process, time.monotonic()
            time.sleep(0.1)
            for run, (process, began) in list(active.items()):
                if process.poll() is None:
                    continue
                del active[run]
                left -= 1
                how = f"{time.monotonic() - began:.0f} s"
                if process.returncode:
                    failed = 1
                    how = f"failed, see {run.folder.with_suffix('.txt')}"
                print(f"{run.name} seed {run.seed}: {how}; {left} left", flush=True)
    finally:
        for process, _ in active.values():
            process.terminate()
        for process, _ in active.values():
            process.wait()
    return failed


def finished(run: Run, sets: Sequence[Path]) -> bool:
    """Whether a run has been trained, and measured on all of the sets."""
    if not run.result.is_file():
        return False
    return {HELD_OUT, *map(set_name, sets)} <= json.loads(run.result.read_text())["sets"].keys()


def work(run: Run, sets: Sequence[Path]) -> int:
    """Trains or goes on with one run, then measures it."""
    from unblur.training.loop import train

    begun = (run.folder / "state.pt").is_file()
    if not begun and (run.folder / "config.toml").is_file():
        shutil.rmtree(run.folder)  # killed before its first checkpoint
    result = train(run.settings, run.folder, resume=begun, save_every=20.0)
    if result.step < run.settings.steps:
        return 130
    _write_json(run.result, measure(run, sets))
    return 0


def measure(run: Run, sets: Sequence[Path]) -> dict[str, Any]:
    """What the table needs to know of a trained run."""
    import torch

    from unblur.evaluate.checkpoints import gmacs
    from unblur.nets import checkpoint

    net, _, provenance = checkpoint.load_generator(run.folder / "last.safetensors")
    lines = (run.folder / "log.jsonl").read_text().splitlines()
    # By step: a run that was killed has logged some steps twice.
    log = [*{line["step"]: line for line in map(json.loads, lines)}.values()]
    scores = [line["adversarial"] for line in log[-10:] if "adversarial" in line]
    return {
        "name": run.name,
        "seed": run.seed,
        "parameters": sum(p.numel() for p in net.parameters()),
        "gmac": gmacs(net),
        "seconds": log[-1]["seconds"],
        "hardware": provenance["hardware"],
        "torch": torch.__version__,
        "adversarial": sum(scores) / len(scores) if scores else None,
        "config": configs.dumps(run.settings),
        "sets": {name: [score(net, *images) for images in found]
                 for name, found in images_of(run, sets)},
    }  # fmt: skip


def images_of(run: Run, sets: Sequence[Path]) -> Iterator[tuple[str, Iterator[Any]]]:
    """Of each set its name, and (name, blurred, sharp) of its images: the middles, uint8."""
    import torch

    from unblur.datasets import evenly, find_pairs, read_rgb
    from unblur.training.data import TrainingData

    data = replace(run.settings.data, val_images=IMAGES)
    held = TrainingData(data, run.settings.blur, 0, torch.device("cpu")).validation()
    arrays = ((i.name, *(x.permute(1, 2, 0).numpy() for x in (i.blurred, i.sharp))) for i in held)
    yield HELD_OUT, ((name, _middle(b), _middle(s)) for name, b, s in arrays)
    for folder in sets:
        pairs = evenly(find_pairs(folder, "test"), IMAGES)
        yield (
            set_name(folder),
            ((p.name, _middle(read_rgb(p.blur)), _middle(read_rgb(p.sharp))) for p in pairs),
        )


def set_name(folder: Path) -> str:
    folder = folder.resolve()
    half = folder.name in ("train", "test")
    return f"{folder.parent.name}/{folder.name}" if half else folder.name


def score(net: Any, name: str, blurred: Any, sharp: Any) -> dict[str, Any]:
    """PSNR in dB and SSIM of a blurred image and of what a network makes of it."""
    import torch

    from unblur import metrics

    image = torch.from_numpy(blurred.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
    with torch.no_grad():
        out = ((net(image)[0] + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 0).numpy()
    found: dict[str, Any] = {"name": name}
    for key, picture in (("", out), ("blurred_", blurred)):
        found[f"{key}psnr"] = min(metrics.psnr(picture, sharp), 100.0)
        found[f"{key}ssim"] = metrics.ssim(picture, sharp)
    return found


def report(arguments: argparse.Namespace) -> None:
    """results.json and the table, of all runs that OUT has results of, if it has any."""
    files = sorted(arguments.out.glob("*/seed-*/result.json"))
    results = [json.loads(file.read_text()) for file in files]
    if results:
        _write_json(arguments.out / "results.json", results)
        text = table.markdown(results)
        documents.put(arguments.table, table.PLACE, text)
        print(text)


def _write_json(path: Path, value: Any) -> None:
    with atomic(path) as file:
        file.write(json.dumps(value, indent=1).encode())


def _middle(image: Any) -> Any:
    """The square in the middle of an (h, w, 3) array; less, to a multiple of 8, of a small one."""
    sides = [min(SIDE, n // 8 * 8) for n in image.shape[:2]]
    y, x = ((n - side) // 2 for n, side in zip(image.shape[:2], sides, strict=True))
    return image[y : y + sides[0], x : x + sides[1]]


@contextmanager
def _alone(out: Path) -> Iterator[int]:
    out.mkdir(parents=True, exist_ok=True)
    with (out / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UnblurError(f"{out}: an ablation is at work there; wait for its end") from None
        yield file.fileno()


if __name__ == "__main__":
    sys.exit(main())
