"""`unblur bulk`: what its command line refuses, before Ray is started."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.batch.folders import fill
from unblur.bulk.plan import BulkPlan
from unblur.bulk.records import Record
from unblur.bulk.store import Store
from unblur.cli import app
from unblur.cli.bulk import actors
from unblur.cli.bulk_report import BulkReport


def bulk(*arguments: object) -> tuple[int, str]:
    """The exit code, and the words on standard error."""
    result = CliRunner().invoke(app, ["bulk", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stderr


def test_workers_are_a_number_or_a_least_and_a_most() -> None:
    assert [actors(text) for text in ("3", "2:8", "2:", "1:1")] == [
        (3, 3),
        (2, 8),
        (2, None),
        (1, 1),
    ]
    for text in ("", ":", ":3", "0", "4:2", "1:x", "-1:2", "1:2:3", "²"):
        with pytest.raises(ValueError, match="MIN:MAX was expected"):
            actors(text)


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--actors", "4:2"), 2, "MIN:MAX was expected"),
        (("--cpus-per-actor", "0"), 2, "--cpus-per-actor"),
        (("--model", "none"), 2, "no model 'none'"),
        (("--address", "127.0.0.1:1"), 1, "no Ray cluster answers at 127.0.0.1:1"),
        (("--address", "ray://127.0.0.1:1"), 1, "no Ray cluster answers at ray://127.0.0.1:1"),
    ],
)
def test_what_cannot_be_done_is_said(
    tmp_path: Path, options: tuple[str, ...], code: int, words: str
) -> None:
    photos = fill(tmp_path / "in", "a.png")
    found, said = bulk(photos, "-o", tmp_path / "out", *options)
    assert found == code
    assert words in " ".join(said.split())
    assert not list((tmp_path / "out").glob("*.png"))


def test_without_the_extra_one_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    code, said = bulk(tmp_path, "-o", tmp_path / "out")
    assert code == 1
    assert said == ("unblur: this command needs the package ray: pip install 'unblur[cluster]'\n")


def test_the_report_names_each_failure_once_and_what_was_set_aside_before(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    fixed = ("1", "settings", "run", datetime(2026, 1, 1, tzinfo=UTC))
    killed = Record("k.jpg", "/in/k.jpg", "killed", *fixed, reason="was set aside")
    failed = Record("f.jpg", "/in/f.jpg", "failed", *fixed, reason="is no photo")
    done = Record("d.jpg", "/in/d.jpg", "done", *fixed, result="/out/d.jpg", notes=("smaller",))
    plan = BulkPlan(Store(str(tmp_path)), "run", "settings", (), 3, 5, (killed,), 2, 1)
    with BulkReport(plan, "/out", as_json=True) as report:
        report.add([failed, done])
    assert report.end() == 130
    out, err = capfd.readouterr()
    *photos, last = map(json.loads, out.splitlines())
    assert [(said["input"], said["status"]) for said in photos] == [
        ("/in/k.jpg", "failed"), ("/in/f.jpg", "failed"), ("/in/d.jpg", "done")
    ]  # fmt: skip
    summary = last["summary"]
    assert {key: summary[key] for key in ("done", "failed", "skipped", "videos", "others")} == {
        "done": 1, "failed": 2, "skipped": 5, "videos": 2, "others": 1
    }  # fmt: skip
    assert err.splitlines() == [
        "unblur: /in/k.jpg: was set aside by an earlier run; --retry-killed tries it again",
        "unblur: 2 videos are left out: unblur deblur takes them",
        "unblur: /in/f.jpg: is no photo",
        "unblur: /in/d.jpg: the result is smaller",
        "unblur: stopped, 1 left; the same command continues with them",
    ]
