"""`python -m benchmarks` runs, and its comparisons obey their laws; nothing here is timed."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from benchmarks import ROOT, cost, machine, results, side_by_side
from benchmarks.__main__ import NAMES, main
from benchmarks.engines import Replaced, batches
from benchmarks.timing import interleave
from benchmarks.workers import Worker, peak_memory

from tests.inference.shaken import Shaken
from unblur import Deblurrer


def result(
    date: str = "2026-01-01T00:00:00", quick: bool = False, cpu: str = "A"
) -> results.Result:
    here = {"cpu": cpu, "flags": ["avx2", "fma"], "versions": {"numpy": "2.0"}}
    figures = [
        *side_by_side("seconds", "s", {"old": [2.0, 4.0, 3.0], "new": [1.0, 2.0, 1.5]}),
        *side_by_side("gain", "dB", {"mean": [-0.5]}),
    ]
    return results.Result(date, quick, "default", here, 0.1, {"inference": figures})


def test_a_quick_run_is_stored_drawn_and_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = [f"--results={tmp_path / 'results'}", f"--image={tmp_path / 'cost.svg'}"]
    assert main(["--quick", "--only=cost", "--only=synthesis", "--save", *where]) == 0
    assert "then:" not in capsys.readouterr().out
    (path,) = (tmp_path / "results").glob("*-quick.json")
    stored = results.load(path)
    assert stored.quick
    assert list(stored.figures) == ["cost", "synthesis"]
    assert all(f.low <= f.value <= f.high for own in stored.figures.values() for f in own)
    assert "a megapixel; off by" in (tmp_path / "cost.svg").read_text()

    other = json.loads(path.read_text())
    other["machine"] |= {"cpu": "Another", "flags": ["mmx"]}
    path.write_text(json.dumps(other))
    assert main(["--quick", "--only=synthesis", *where]) == 0
    said = capsys.readouterr().out
    assert f"then: {stored.date}, Another" in said
    assert f"differs: cpu: Another then, {stored.machine['cpu']} now" in said
    assert "no more mmx" in said


def test_stored_results_read_as_written_and_have_the_ratio_one(tmp_path: Path) -> None:
    assert results.load(results.save(result(), tmp_path)) == result()
    figures = result().figures["inference"]
    *lines, gain = (line for line in results.table(figures, figures)[1:] if line.startswith(" "))
    assert [line.split()[-1] for line in lines] == ["1.00", "1.00"]
    assert gain.endswith("+0.00")


def test_twice_as_slow_is_two_and_is_marked_where_the_ranges_are_apart() -> None:
    old, new, gain = result().figures["inference"]
    slower = replace(new, value=3.0, low=2.5, high=4.0)
    assert results.change(slower, new) == 2.0
    assert results.apart(slower, new)
    assert not results.apart(replace(slower, low=1.9), new)
    assert not results.apart(replace(new, low=3.0, high=3.0), new)  # one sample has no range
    assert results.change(replace(gain, value=0.5), gain) == 1.0  # decibels are subtracted
    assert results.table([slower], [old, new])[-1].endswith("2.00 !")


def test_ratios_are_taken_round_by_round() -> None:
    speed = [1.0, 3.0, 0.5]  # of a machine that drifts
    _, new = side_by_side("", "s", {"old": [2 * s for s in speed], "new": [1.5 * s for s in speed]})
    assert new.ratio == pytest.approx(0.75)


def test_versions_take_turns_and_the_first_round_is_not_counted() -> None:
    calls: list[str] = []

    def call(name: str) -> float:
        calls.append(name)
        return float(len(calls))

    found = interleave({name: partial(call, name) for name in "ab"}, rounds=2)
    assert "".join(calls) == "abbaab"
    assert found == {"a": [4.0, 5.0], "b": [3.0, 6.0]}


def test_a_changed_machine_is_said_and_an_equal_one_is_not() -> None:
    assert machine.differences(machine.describe(), machine.describe()) == []
    then = {"cpu": "A", "flags": ["avx2", "mmx"], "versions": {"numpy": "2.0", "torch": "2.1"}}
    now = {"cpu": "A", "flags": ["avx2", "amx"], "versions": {"numpy": "2.1", "torch": "2.1"}}
    assert machine.differences(then, now) == [
        "flags: no more mmx, now amx",
        "numpy: 2.0 then, 2.1 now",
    ]


def test_the_last_result_is_of_this_machine_if_any_is() -> None:
    own, other = result("2026-01-01T00:00:00"), result("2026-02-01T00:00:00", cpu="B")
    newer = replace(own, date="2026-01-02T00:00:00")
    quick = result("2026-03-01T00:00:00", quick=True)
    assert results.last([newer, own, other, quick], "inference", own) == newer
    assert results.last([other, quick], "inference", own) == other
    assert results.last([quick], "inference", own) is None
    assert results.last([own], "tiling", own) is None


def test_the_line_through_points_and_how_far_they_are_from_it() -> None:
    x = np.array([0.5, 1, 2, 8, 32])
    line = cost.fit(x.tolist(), (0.3 + 0.7 * x).tolist())
    assert (line.fixed, line.slope) == pytest.approx((0.3, 0.7))
    assert line.departure < 1e-9
    assert cost.fit(x.tolist(), (0.7 * x**2).tolist()).departure > 0.3
    # A small photo twice as dear as it should be shows, though its seconds are few.
    assert cost.fit(x.tolist(), [1.0, *(0.7 * x[1:])]).departure > 0.3


def test_a_workers_peak_is_its_own() -> None:
    held = np.ones(40_000_000)
    with Worker() as worker:
        assert worker.peak() * 1e9 < held.nbytes < peak_memory()
        worker.prepare(partial, np.ones, held.size)
        assert worker.repeat() > 0
        assert worker.peak() * 1e9 > held.nbytes


def test_every_benchmark_is_run() -> None:
    files = (ROOT / "benchmarks").glob("*.py")
    assert {p.stem for p in files if "def run(setup: Setup)" in p.read_text()} == set(NAMES)


def test_what_is_replaced_measures_nothing() -> None:
    network = Shaken(10000)
    replaced = Replaced(network, lambda batch: batch)
    assert not replaced.contract.measures_blur
    assert network.contract.measures_blur
    image = np.zeros((300, 400, 3), np.uint8)
    # Whatever it would find, its inputs are the tiles of the full size.
    shapes = [batch.shape[2:] for batch in batches(Deblurrer(network), image)]
    assert len(shapes) == 4
    assert network.calls == []


def test_bad_input_gets_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only=harm", f"--results={tmp_path}"]) == 1
    assert capsys.readouterr().err == "harm: needs --photos (sharp ones) and --pairs\n"
    (tmp_path / "x.json").write_text("{}")
    assert main(["--only=kill", f"--results={tmp_path}"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "x.json: not a result" in error
