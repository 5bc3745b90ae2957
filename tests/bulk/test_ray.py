"""Runs on real Ray: on this machine by the command line, and on a cluster of two raylets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from tests.bulk.conftest import S3
from tests.bulk.killing import Killed
from tests.files import write
from unblur import Deblurrer
from unblur.bulk import run
from unblur.bulk.cluster import Pool, connected
from unblur.bulk.how import How, choose_model
from unblur.bulk.manifest import Manifest
from unblur.bulk.plan import make_plan
from unblur.bulk.records import Record
from unblur.bulk.store import Store
from unblur.inference.deblur_file import deblur_file

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kills processes as Linux does")
TILE = 256
DEADLINE = 60.0


def photos(folder: Path, picture: np.ndarray, *names: str) -> dict[str, Path]:
    """Different photos by their name, and no photos of names with "bad"."""
    made = {}
    for index, name in enumerate(names):
        path = made[name] = folder / name
        if "bad" in name:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"no photo")
        else:
            write(path, np.roll(picture, index, axis=0), Q=92)
    return made


def expected(made: dict[str, Path], folder: Path) -> dict[str, bytes]:
    """What `unblur deblur` makes of the photos."""
    deblurrer, found = Deblurrer(device="cpu", tile=TILE), {}
    for name, path in made.items():
        if "bad" not in name:
            deblur_file(deblurrer, path, folder / name)
            found[name] = (folder / name).read_bytes()
    return found


def until(happened: Callable[[], Any]) -> Any:
    """What the function returns, once that is true."""
    end = time.monotonic() + DEADLINE
    while not (found := happened()):
        assert time.monotonic() < end
        time.sleep(0.01)
    return found


def works(process: psutil.Process) -> bool:
    """Whether a process of Ray's is there, other than an agent."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE and "Agent" not in process.name()
    except psutil.NoSuchProcess:
        return False


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "unblur", "bulk", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True)


def test_after_killed_workers_and_a_killed_driver_the_second_start_finishes(
    s3: S3, tmp_path: Path, picture: np.ndarray
) -> None:
    names = [f"{'bad' if n % 12 == 5 else 'good'}-{n:02}.jpg" for n in range(60)]
    made = photos(tmp_path / "in", picture, *names)
    source, target = s3.bucket(), s3.bucket()
    for name, path in made.items():
        s3.put(f"{source}/deep/{name}", path.read_bytes())
    command = (source, "-o", f"{target}/out", "--tile", str(TILE), "--json")

    def results() -> list[str]:
        return [key for key in s3.keys(f"{target}/out/deep/") if key.endswith(".jpg")]

    with start(*command) as first:
        until(lambda: len(results()) >= 3)
        below = psutil.Process(first.pid).children(recursive=True)
        worker = next(p for p in below if "MapWorker" in "".join(p.cmdline()))
        worker.kill()
        until(lambda: len(results()) >= 15)
        assert first.poll() is None
        first.kill()
    # None of Ray's works on; two of its agents look for their parent only now and then.
    until(lambda: not any(works(process) for process in below))
    with start(*command) as second:
        out, err = second.communicate(timeout=DEADLINE)
    assert second.returncode == 1
    said = [json.loads(line) for line in out.splitlines()]
    summary = said.pop()["summary"]
    good = {f"out/deep/{name}": data for name, data in expected(made, tmp_path).items()}
    assert sorted(results()) == sorted(good)
    assert all(s3.get(f"{target}/{key}") == data for key, data in good.items())
    bad = [name for name in names if "bad" in name]
    assert [err.count(f"{source}/deep/{name}: ") for name in bad] == [1] * len(bad)
    assert summary["failed"] == len(bad)
    assert summary["done"] + summary["unchanged"] + summary["skipped"] == len(good)
    rows = Counter(record.place for record in Manifest(Store(f"{target}/out"), "").records())
    assert rows == Counter(f"deep/{name}" for name in names)


@pytest.fixture(scope="module")
def raylets() -> Iterator[Any]:
    """A cluster of two machines of one core each, to which this process is connected."""
    from ray.cluster_utils import Cluster

    # Where the workers find the modules of the tests.
    root = str(Path(__file__).parents[2])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([root, *sys.path[:1]]), prepend=os.pathsep)
        head = {"num_cpus": 1, "object_store_memory": 2**27, "include_dashboard": False}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        try:
            cluster.add_node(num_cpus=1, object_store_memory=2**27)
            with connected(cluster.address):
                yield cluster
        finally:
            cluster.shutdown()


def bulk(source: Path, target: Path) -> Iterator[list[Record]]:
    model, _ = choose_model("default", "auto", best=False)
    plan = make_plan(str(source), Store(str(target)), "settings")
    pool = Pool(least=1, first=2, most=2, cpus=1)
    yield from run.deblur_bulk(plan, How(model, TILE), pool, threading.Event())


@pytest.mark.usefixtures("raylets")
def test_a_photo_that_kills_two_workers_is_set_aside_and_its_neighbours_are_done(
    tmp_path: Path, picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["a.jpg", "b-deadly.jpg", "c.jpg", "d.jpg"]
    made = photos(tmp_path / "in", picture, *names)
    monkeypatch.setattr(run, "Worker", Killed)
    found = [r for records in bulk(tmp_path / "in", tmp_path / "out") for r in records]
    states = {record.place: record.state for record in found}
    assert len(found) == len(names)
    assert states.pop("b-deadly.jpg") == "killed"
    assert set(states.values()) <= {"done", "unchanged"}
    good = expected({n: p for n, p in made.items() if "deadly" not in n}, tmp_path)
    assert {name: (tmp_path / "out" / name).read_bytes() for name in good} == good


def test_a_run_survives_the_loss_of_a_machine(
    raylets: Any, tmp_path: Path, picture: np.ndarray
) -> None:
    made = photos(tmp_path / "in", picture, *[f"{n:02}.jpg" for n in range(60)])
    found: list[Record] = []
    lost = None
    for records in bulk(tmp_path / "in", tmp_path / "out"):
        found += records
        if lost is None and len({record.worker for record in found}) == 2:
            assert len(found) < len(made)
            lost = next(node for node in raylets.list_all_nodes() if not node.is_head())
            raylets.remove_node(lost, allow_graceful=False)
    assert lost is not None
    assert Counter(record.place for record in found) == Counter(made)
    assert {record.state for record in found} <= {"done", "unchanged"}
    good = expected(made, tmp_path)
    assert {name: (tmp_path / "out" / name).read_bytes() for name in good} == good
