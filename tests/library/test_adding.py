"""Adding models: what is there afterwards, whole and usable, or nothing."""

from __future__ import annotations

import dataclasses
import json
import pickle
import threading
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import helper
from typer.testing import CliRunner

from tests.evaluate.models import doubler_onnx, stretch_onnx, stretched, write_onnx
from tests.evaluate.test_models import nafnet
from tests.library.server import Served
from unblur import Deblurrer
from unblur.cli import app
from unblur.errors import ModelError
from unblur.inference import catalogue, contracts
from unblur.inference.contract import Contract, digest_of
from unblur.inference.models import find_model
from unblur.library.adding import add, source_of
from unblur.torch_engine.foreign import import_spandrel

PICKLED = {
    f"protocol {protocol}": pickle.dumps({"a": [1], "b": "c"}, protocol) for protocol in (0, 2, 5)
}


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["models", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def kernel_onnx(path: Path) -> Path:
    """A network with weights: it doubles what a pixel differs by from the one above."""
    weights = np.zeros((3, 3, 3, 3), np.float32)
    weights[range(3), range(3), 1, 1], weights[range(3), range(3), 0, 1] = 1.1, -0.1
    return write_onnx(
        path, [helper.make_node("Conv", ["image", "w"], ["out"], pads=[1, 1, 1, 1])], {"w": weights}
    )


def refused(what: object, *options: object) -> str:
    """The one line that refuses to add something, of which nothing is left."""
    code, out, error = run("add", what, *options)
    assert (code, out) == (1, "")
    line = error.splitlines()[-1]
    assert line.startswith(f"unblur: {what}: ")
    return line.removeprefix(f"unblur: {what}: ")


def test_an_added_file_is_used_by_its_name_and_removed_by_it(
    tmp_path: Path, home: Path, picture: np.ndarray
) -> None:
    path = stretch_onnx(tmp_path / "stretch.ONNX")
    code, out, _ = run("add", path, "--name", "Stretch-1.0", "--licence", "CC0")
    assert code == 0
    assert "Stretch-1.0: added" in out
    assert "images 0..1" in out
    assert "--model Stretch-1.0" in out
    path.unlink()
    assert np.array_equal(Deblurrer("Stretch-1.0", scale=1)(picture), stretched(picture))
    assert sorted(p.name for p in (home / "Stretch-1.0").iterdir()) == [
        "Stretch-1.0.onnx", "Stretch-1.0.onnx.contract.json", "model.json"]  # fmt: skip
    facts = json.loads((home / "Stretch-1.0" / "model.json").read_text())
    assert facts["licence"] == "CC0"
    assert facts["sha256"] == digest_of(find_model("Stretch-1.0"))
    assert run("path", "Stretch-1.0")[1] == f"{find_model('Stretch-1.0')}\n"
    assert run("remove", "default", "Stretch-1.0", "nosuch")[0] == 1
    assert not list(home.iterdir())
    with pytest.raises(ModelError, match=r"no model 'Stretch-1\.0'.*bundled: default"):
        find_model("Stretch-1.0")


def test_a_broken_off_download_goes_on_to_a_model(
    tmp_path: Path, home: Path, served: Served
) -> None:
    served.data = kernel_onnx(tmp_path / "net.onnx").read_bytes()
    served.cut = 100
    assert "the same command goes on" in refused(served.url)
    served.cut = None
    code, _, error = run("add", served.url)
    assert code == 0
    assert "goes on at 100 bytes" in error
    assert served.asked[1]["Range"] == "bytes=100-"
    assert find_model("net").read_bytes() == served.data
    assert json.loads((home / "net" / "model.json").read_text())["source"] == served.url
    assert not list((tmp_path / "cache" / "unblur" / "downloads").iterdir())


def test_the_catalogues_are_fetched_when_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, served: Served
) -> None:
    served.data = kernel_onnx(tmp_path / "net.onnx").read_bytes()
    digest, size = digest_of(tmp_path / "net.onnx"), len(served.data)
    published = catalogue.entries()["nafnet"]
    facts = {"url": served.url, "sha256": digest, "bytes": size, "high": 255}
    entry = dataclasses.replace(published, **facts)
    monkeypatch.setattr(catalogue, "entries", lambda: {"nafnet": entry})
    with pytest.raises(ModelError, match="unblur models add nafnet"):
        find_model("nafnet")
    assert not served.asked
    code, out, error = run("add", "nafnet")
    assert code == 0
    assert error.startswith(f"unblur: nafnet: {size} bytes from {served.url}")
    assert "licence MIT" in out
    assert "images 0..255" in out  # as the catalogue knows, whatever trying it out tells
    assert Deblurrer("nafnet").engine.contract.high == 255
    (find_model("nafnet")).write_bytes(b"")
    with pytest.raises(ModelError, match="add nafnet --overwrite` adds it again"):
        find_model("nafnet")


def test_pickles_are_refused_by_their_names_before_anything_is_downloaded(served: Served) -> None:
    for ending in ("pth", "pt", "ckpt", "pkl", "bin", "PTH?download=1"):
        assert "--trust opens it" in refused(served.url.replace("onnx", ending))
    assert not served.asked


@pytest.mark.parametrize("what", [*PICKLED, "zip"])
def test_pickles_are_refused_whatever_they_are_called(
    tmp_path: Path, home: Path, served: Served, what: str
) -> None:
    served.data = PICKLED.get(what, b"PK\x03\x04" + bytes(100))
    for name in ("net.onnx", "net.safetensors", "net"):
        (tmp_path / name).write_bytes(served.data)
        assert "a pickle, which can hold a program" in refused(tmp_path / name)
    assert "a pickle, which can hold a program" in refused(served.url)
    assert not list(home.glob("*"))
    assert not list((tmp_path / "cache" / "unblur" / "downloads").iterdir())


def test_a_trusted_pickle_is_added_and_trusted_again_when_it_is_used(tmp_path: Path) -> None:
    try:
        import_spandrel()
    except ModelError as error:
        pytest.skip(str(error))
    torch.save(nafnet().state_dict(), tmp_path / "net.bin")
    # As if it had been tried out before, which takes its time.
    contracts.keep(digest_of(tmp_path / "net.bin"), Contract(multiple=4, low=0, change_mask=False))
    code, out, _ = run("add", tmp_path / "net.bin", "--trust")
    assert code == 0
    assert "--model net --trust" in out
    assert find_model("net").name == "net.pth"
    with pytest.raises(ModelError, match="trust"):
        Deblurrer("net")
    assert Deblurrer("net", trust=True).engine.contract.low == 0


def test_data_beside_an_onnx_file_comes_with_it(
    tmp_path: Path, home: Path, served: Served, picture: np.ndarray
) -> None:
    model = onnx.load(kernel_onnx(tmp_path / "one.onnx"))
    path = tmp_path / "net.onnx"
    onnx.save(model, path, save_as_external_data=True, location="net.data", size_threshold=0)
    served.data = path.read_bytes()
    assert "keeps its weights in another file, net.data" in refused(served.url)
    assert run("add", path)[0] == 0
    whole = Deblurrer(tmp_path / "one.onnx")(picture)
    (tmp_path / "net.data").unlink()
    assert np.array_equal(Deblurrer("net")(picture), whole)
    assert "net.data, which is not beside it" in refused(path, "--name", "other")
    stored = home / "net" / "net.data"
    stored.write_bytes(stored.read_bytes()[::-1])
    with pytest.raises(ModelError, match=r"the checksum of net\.data is wrong"):
        Deblurrer("net")
    path.write_bytes(path.read_bytes().replace(b"net.data", b"../.data"))
    assert "not in its folder" in refused(path, "--name", "other")


def test_a_damaged_model_is_said_in_a_line(tmp_path: Path, home: Path) -> None:
    run("add", kernel_onnx(tmp_path / "net.onnx"))
    path, facts = find_model("net"), home / "net" / "model.json"
    data, said = path.read_bytes(), facts.read_text()
    for damage, reason in (
        (lambda: path.write_bytes(data[:50]), "has 50 bytes of"),
        (lambda: path.write_bytes(data[:-9] + b"X" + data[-8:]), "checksum of net.onnx is wrong"),
        (path.unlink, "net.onnx is missing"),
        (lambda: facts.write_text(said[:40]), "model.json cannot be read"),
        (facts.unlink, "model.json is missing"),
    ):
        damage()
        with pytest.raises(ModelError, match=reason) as caught:
            Deblurrer("net")
        assert "\n" not in str(caught.value)
        assert ("damaged: " in run()[1]) == ("checksum" not in reason)  # which takes time
        path.write_bytes(data)
    assert run("add", tmp_path / "net.onnx", "--overwrite")[0] == 0
    assert Deblurrer("net")


def test_what_does_not_restore_photos_leaves_nothing(tmp_path: Path, home: Path) -> None:
    def made(name: str, *nodes: Any, **constants: float) -> Path:
        return write_onnx(tmp_path / name, list(nodes), constants)

    half = tmp_path / "half.onnx"
    half.write_bytes(kernel_onnx(tmp_path / "net.onnx").read_bytes()[:-100])
    (tmp_path / "text.onnx").write_text("no network")
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(100))
    (tmp_path / "net.safetensors").write_bytes(b"no weights, and no header")
    (tmp_path / "empty.onnx").touch()
    multiply = helper.make_node("Mul", ["image", "k"], ["a"])
    infinite = made("nan.onnx", multiply, helper.make_node("Sub", ["a", "a"], ["out"]), k=np.inf)
    negative = made("not.onnx", helper.make_node("Sub", ["one", "image"], ["out"]), one=1.0)
    for path, reason in {
        half: "not all of it (it is cut off)",
        tmp_path / "text.onnx": "not an ONNX network",
        tmp_path / "photo.jpg": "neither an ONNX network nor a checkpoint",
        tmp_path / "net.safetensors": "not what a .safetensors file holds",
        tmp_path / "empty.onnx": "an empty file",
        tmp_path / "missing.onnx": "does not exist",
        tmp_path: "is a folder",
        doubler_onnx(tmp_path / "double.onnx"): "the same was expected",
        infinite: "is not finite",
        negative: "makes a ruin of a picture",
    }.items():  # fmt: skip
        assert reason in refused(path, "--name", "net")
        assert not list(home.glob("*"))
    assert "its SHA-256 is" in refused(tmp_path / "net.onnx", "--sha256", "0" * 64)


@pytest.mark.parametrize(
    "name",
    ["../net", "a/b", ".net", "-net", "net.", "net.onnx", "con", "ä", "a b", "n" * 65, "default"],
)
def test_names_are_names(tmp_path: Path, name: str) -> None:
    path = stretch_onnx(tmp_path / "net.onnx")
    assert "choose another with --name" in refused(path, f"--name={name}")


def test_wrong_options_end_with_2(tmp_path: Path) -> None:
    for arguments in (("add", "x.onnx", "--sha256", "12"), ("add",), ("remove",), ("nosuch",)):
        assert run(*arguments)[0] == 2


def test_two_adds_at_once_leave_one_whole_model(tmp_path: Path, home: Path) -> None:
    paths = [stretch_onnx(tmp_path / "one.onnx"), kernel_onnx(tmp_path / "two.onnx")]
    ready, ends = threading.Barrier(2), []

    def say(line: str) -> None:
        if "trying" in line:  # both, before either is put in its place
            ready.wait()

    def adding(path: Path, overwrite: bool) -> None:
        try:
            add(source_of(str(path)), "net", overwrite=overwrite, say=say)
            ends.append("added")
        except ModelError as error:
            ends.append(error.reason)

    for overwrite, expected in (
        (False, ["a model net exists already", "added"]),
        (True, ["added", "added"]),
    ):
        threads = [threading.Thread(target=adding, args=(path, overwrite)) for path in paths]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(ends) == sorted(expected)
        ends.clear()
        assert [one.name for one in home.iterdir()] == ["net"]
        assert Deblurrer("net").engine.digest in map(digest_of, paths)
    assert "exists already; --overwrite replaces it" in refused(paths[0], "--name", "net")
