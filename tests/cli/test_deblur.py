"""The command line's streams, and what cannot be asked of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.batch.folders import PIXELS, deblur, fill
from tests.files import with_thumbnail
from unblur import photo
from unblur.cli import app

pytestmark = pytest.mark.usefixtures("inverter")


def test_standard_input_and_output(tmp_path: Path) -> None:
    source = fill(tmp_path, "a.png") / "a.png"
    run_it = CliRunner().invoke
    result = run_it(app, ["deblur", "-"], input=source.read_bytes())
    assert result.exit_code == 0
    assert np.array_equal(photo.read(result.stdout_bytes).pixels, 255 - PIXELS)
    out = tmp_path / "out.webp"
    result = run_it(app, ["deblur", "-", "-o", str(out)], input=source.read_bytes())
    assert result.exit_code == 0
    assert photo.read(out).format == "webp"
    made = run_it(app, ["deblur", str(source), "-o", "-"]).stdout_bytes
    assert np.array_equal(photo.read(made).pixels, 255 - PIXELS)
    for rubbish, reason in ((b"rubbish", "not a picture"), (b"", "is empty")):
        result = run_it(app, ["deblur", "-"], input=rubbish)
        assert (result.exit_code, result.stdout_bytes) == (1, b"")
        assert result.stderr.startswith("unblur: standard input: ")
        assert reason in result.stderr


def test_what_a_result_does_not_have_is_said_in_one_line(tmp_path: Path) -> None:
    path = with_thumbnail(tmp_path / "in" / "a.tif", PIXELS)
    note = "the result is without the thumbnail"
    code, _, errors = deblur(path, "-o", tmp_path / "b.tif")
    assert (code, errors) == (0, [f"unblur: {path}: {note}"])
    code, said, errors = deblur(tmp_path / "in", "-o", tmp_path / "out", "--json")
    assert errors == [f"unblur: {path}: {note}"]
    assert json.loads(said[0])["notes"] == ["without the thumbnail"]
    result = CliRunner().invoke(app, ["deblur", "-"], input=path.read_bytes())
    assert result.stderr == f"unblur: standard input: {note}\n"
    # What is copied has all.
    code, said, errors = deblur(path, "-o", tmp_path / "c.tif", "--strength", 0, "--json")
    assert errors == []
    assert "notes" not in json.loads(said[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("IN",), "IN is a folder: name another for its results with -o"),
        (("IN", "-o", "IN"), "IN is the folder of the photos"),
        (("IN", "-o", "IN/a.png"), "is a file: name a folder"),
        (("-", "IN/a.png", "-o", "out"), "comes alone"),
        (("-", "--json"), "both go to standard output"),
        (("-", "-o", "IN"), "is a folder: name a file"),
        (("IN", "-o", "-"), "takes one photo"),
    ],
)
def test_what_cannot_be_asked_ends_with_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    fill(tmp_path / "IN", "a.png")
    code, said, errors = deblur(*arguments)
    assert (code, said, len(errors)) == (2, [], 1)
    assert message in errors[0]
