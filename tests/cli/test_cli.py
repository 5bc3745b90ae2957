from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from typer.testing import CliRunner

from tests.files import unblur, write
from unblur import __version__
from unblur.cli import app
from unblur.losses import LossConfig
from unblur.nets.gated_unet import GatedUNetConfig
from unblur.training import config as configs
from unblur.training.config import DataConfig, PhaseConfig, TrainConfig


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def test_deblur_writes_beside_its_input_and_says_so(tmp_path: Path, picture: np.ndarray) -> None:
    photo = write(tmp_path / "photo.jpg", picture)
    code, out, _ = run("deblur", photo)
    assert code == 0
    assert re.fullmatch(rf"{tmp_path}/photo-deblurred\.jpg  \d+\.\d s\n", out)
    written: Any = pyvips.Image.new_from_file(str(tmp_path / "photo-deblurred.jpg"))
    assert (written.width, written.height) == (120, 96)


def test_bad_inputs_get_a_line_each_and_the_others_are_done(
    tmp_path: Path, picture: np.ndarray
) -> None:
    good = [write(tmp_path / name, picture) for name in ("a.png", "b.webp")]
    torn = write(tmp_path / "torn.jpg", picture)
    torn.write_bytes(torn.read_bytes()[:900])
    rubbish = tmp_path / "rubbish.png"
    rubbish.write_text("no picture")
    missing = tmp_path / "missing.jpg"
    done = unblur("deblur", good[0], torn, rubbish, missing, good[1], "-o", tmp_path / "out")
    assert done.returncode == 1
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a.png", "b.webp"]
    lines = done.stderr.splitlines()
    assert len(lines) == 3
    for line, path, reason in zip(
        lines,
        (torn, rubbish, missing),
        ("damaged or truncated", "not a picture", "does not exist"),
        strict=True,
    ):
        assert line.startswith(f"unblur: {path}: ")
        assert reason in line


def test_an_existing_output_is_kept_unless_told(tmp_path: Path, picture: np.ndarray) -> None:
    photo = write(tmp_path / "photo.png", picture)
    out = tmp_path / "out.png"
    out.write_text("precious")
    code, _, error = run("deblur", photo, "-o", out)
    assert code == 1
    assert "exists already; --overwrite" in error
    assert out.read_text() == "precious"
    assert run("deblur", photo, "-o", out, "--overwrite")[0] == 0
    assert out.read_bytes()[:4] == b"\x89PNG"


def test_two_inputs_never_write_one_output(tmp_path: Path, picture: np.ndarray) -> None:
    photos = [write(tmp_path / folder / "x.png", picture) for folder in "ab"]
    code, out, error = run("deblur", *photos, "-o", tmp_path / "out", "--overwrite")
    assert code == 1
    assert len(out.splitlines()) == 1
    assert f"as {photos[0]} will be" in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("deblur", "x.jpg", "--strength", "2"), "strength"),
        (("deblur", "x.jpg", "--model", "nosuch"), "no model 'nosuch'"),
        (("deblur", "a.jpg", "b.jpg", "-o", "one.jpg"), "name a folder"),
        (("deblur", "x.jpg", "--tile", "16"), "tile"),
        (("train",), ""),
        (("train", "none.toml"), "none.toml: No such file"),
        (("train", "none.toml", "--max-time", "soon"), "like 90s, 9m, 2h; not soon"),
        (("train", "--data", "x"), "name a CONFIG.toml"),
        (("train", "--resume", "run", "--out", "x"), "leave out"),
        (("train", "--resume", "run"), "run/config.toml: No such file"),
        (("evaluate", ".", "--protocol", "half"), "one of full, paper"),
        (("evaluate", ".", "--engine", "tf"), "one of onnx, torch"),
        (("evaluate", ".", "--metric", "nosuch"), "nosuch: no such metric"),
        (("synth", ".", "-o", "x", "--preset", "wild"), "one of mild, real, severe"),
        (("synth", ".", "-o", "x", "--average", "8"), "--average is odd"),
        (("synth", ".", "-o", "x", "--response", "raw"), "one of signal, srgb"),
        (("nosuch",), "nosuch"),
    ],
)
def test_a_wrong_command_line_ends_with_2(arguments: tuple[str, ...], message: str) -> None:
    code, out, error = run(*arguments)
    assert code == 2
    assert message in out + error
    assert "Traceback" not in error


def tiny_config(tmp_path: Path, content: float = 0.0) -> Path:
    loss = LossConfig(adversarial=0.0, content=content, pixel=1.0, gradient=0.1)
    config = TrainConfig(
        phases=(PhaseConfig(steps=4, crop=32, batch=2, loss=loss),),
        network=GatedUNetConfig((8, 8, 16), (1, 1, 2)),
        data=DataConfig(hold_out_every=2),
        check_every=2,
    )
    path = tmp_path / "tiny.toml"
    path.write_text(configs.dumps(config))
    return path


def test_pairs_are_made_and_a_training_on_them_goes_on(
    tmp_path: Path, picture: np.ndarray, pairs_dir: Path
) -> None:
    """synth, train and resume; the rest of the way is docs/training.md's, which tests/docs runs."""
    big = np.tile(picture, (3, 3, 1))
    for index in range(2):
        write(tmp_path / "photos" / f"{index}.jpg", np.roll(big, index, axis=0))
    made = tmp_path / "made"
    assert run("synth", tmp_path / "photos", "-o", made, "--count", 3, "--seed", 5)[0] == 0
    assert len(list((made / "blur").iterdir())) == len(list((made / "sharp").iterdir())) == 3
    code, _, error = run("synth", tmp_path / "photos", "-o", made)
    assert code == 1
    assert "has pairs of other settings (source photos, seed 5" in error

    out = tmp_path / "run"
    code, said, _ = run("train", tiny_config(tmp_path), "--data", pairs_dir, "--data", made,
                        "--out", out, "--max-steps", 2)  # fmt: skip
    assert code == 0
    assert f"{out}: step 2, best validation" in said
    code, _, error = run("train", "--resume", out, "--data", pairs_dir)
    assert code == 2
    assert "was started with another data.dirs" in error
    assert run("train", tiny_config(tmp_path), "--resume", out, "--max-steps", 3)[0] == 0
    assert run("train", "--resume", out)[0] == 0
    code, _, error = run("train", tiny_config(tmp_path), "--data", pairs_dir, "--out", out)
    assert code == 1
    assert "not empty" in error


def test_a_video_gives_pairs_of_its_frames(tmp_path: Path, picture: np.ndarray) -> None:
    import av

    with av.open(str(tmp_path / "clip.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=240)
        stream.width, stream.height, stream.pix_fmt = 120, 96, "yuv420p"
        for index in range(30):
            frame = av.VideoFrame.from_ndarray(np.roll(picture, index, axis=1))
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert run("synth", tmp_path / "clip.mp4", "-o", tmp_path / "pairs")[0] == 0
    assert len(list((tmp_path / "pairs" / "blur").iterdir())) >= 3
    (tmp_path / "torn.mp4").write_bytes(b"no video")
    code, _, error = run("synth", tmp_path / "torn.mp4", "-o", tmp_path / "more")
    assert code == 1
    assert "is not a video" in error


def test_what_training_lacks_is_said_in_one_line(tmp_path: Path, pairs_dir: Path) -> None:
    config = tiny_config(tmp_path, content=1.0)
    weights = tmp_path / "none.pth"
    done = unblur("train", config, "--data", pairs_dir, "--content-weights", weights,
                  "--out", tmp_path / "run")  # fmt: skip
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "vgg19-dcbb9e9d.pth" in done.stderr
    assert "--content-weights FILE" in done.stderr


def test_version_and_help() -> None:
    assert run("--version")[1].splitlines()[0] == f"unblur {__version__}"
    _, out, _ = run("--help")
    for command in ("deblur", "synth", "train", "train-head", "evaluate", "export"):
        assert command in out
