from __future__ import annotations

import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips

import unblur
from tests.files import with_thumbnail, write
from unblur import photo
from unblur.errors import BusyError, ModelError, NotKeptWarning, PhotoError, UnblurError
from unblur.inference.deblur_file import deblur_file
from unblur.inference.deblurrer import Deblurrer
from unblur.inference.engine import Engine
from unblur.inference.models import find_model
from unblur.metrics import psnr


@pytest.fixture(scope="module")
def deblurrer() -> Deblurrer:
    return Deblurrer()


def in_type(image: np.ndarray, dtype: type) -> np.ndarray:
    scale = {np.uint8: 1.0, np.uint16: 257.0, np.float32: 1 / 255}[dtype]
    return (image * scale).astype(dtype)


@pytest.mark.parametrize("channels", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_every_kind_of_array_keeps_shape_and_type(
    deblurrer: Deblurrer, picture: np.ndarray, channels: int, dtype: type
) -> None:
    rgba = np.concatenate([picture, picture[::-1, :, :1]], axis=2)
    image = rgba[..., : max(1, channels)] if channels else rgba[..., 0]
    if channels == 2:
        image = rgba[..., [0, 3]]
    image = in_type(image, dtype)
    out = deblurrer(image)
    assert out.shape == image.shape
    assert out.dtype == image.dtype
    assert not np.array_equal(out, image)
    if channels in (2, 4):
        assert np.array_equal(out[..., -1], image[..., -1])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_strength_zero_gives_the_input_back(
    deblurrer: Deblurrer, picture: np.ndarray, dtype: type
) -> None:
    image = in_type(picture, dtype)
    assert np.array_equal(deblurrer(image, 0), image)


def test_depths_agree(deblurrer: Deblurrer, picture: np.ndarray) -> None:
    eight = deblurrer(picture)
    sixteen = deblurrer(picture.astype(np.uint16) * 257)
    floats = deblurrer((picture / 255).astype(np.float32))
    assert np.abs(sixteen / 257 - eight).max() <= 0.51
    assert np.abs(floats.clip(0, 1) * 255 - eight).max() <= 0.51


@pytest.mark.parametrize("size", [(1, 1), (1, 30), (7, 3), (33, 65)])
def test_any_size_works(deblurrer: Deblurrer, size: tuple[int, int]) -> None:
    assert deblurrer(np.full((*size, 3), 128, np.uint8)).shape == (*size, 3)


def test_tiles_hardly_show(picture: np.ndarray) -> None:
    image = np.tile(picture, (4, 5, 1))
    for masked, least in ((False, 45), (True, 38)):
        whole, tiled = (
            Deblurrer(tile=tile, precision="f32", masked=masked)(image) for tile in (1280, 256)
        )
        assert psnr(tiled, whole) > least


@pytest.mark.parametrize(
    ("image", "strength", "message"),
    [
        (np.zeros((4, 4, 5), np.uint8), 1, "expected, not"),
        (np.zeros((4, 4, 3), np.int32), 1, "not int32"),
        (np.zeros((4, 4, 3), np.uint8), 1.5, "0 to 1"),
        (np.full((4, 4), np.nan, np.float32), 1, "not finite"),
        (np.full((4, 4), 200, np.float32), 1, "divide the array by 255"),
        (np.eye(4, dtype=np.float32) - 1, 1, "of which 0 is black, not -1"),
        (np.full((4, 4), 2e4, np.float64), 1, "divide the array by 65535"),
    ],
)
def test_bad_arrays_are_refused(
    deblurrer: Deblurrer, image: np.ndarray, strength: float, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        deblurrer(image, strength)


def test_arrays_lie_in_memory_as_they_like(deblurrer: Deblurrer, picture: np.ndarray) -> None:
    wanted = deblurrer(picture)
    still = picture.copy()
    still.flags.writeable = False
    masked = np.ma.array(picture, mask=picture > 200)
    spread = np.repeat(picture, 2, axis=1)[:, ::2]
    for image in (np.asfortranarray(picture), picture[::-1, :, ::-1][::-1, :, ::-1], still, spread):
        assert np.array_equal(deblurrer(image), wanted)
    after = deblurrer(masked)
    assert isinstance(after, np.ma.MaskedArray)
    assert np.array_equal(after.data, wanted)
    assert np.array_equal(after.mask, masked.mask)


def test_a_model_of_another_kind_is_a_type_error(picture: np.ndarray) -> None:
    for call in (unblur.deblur, unblur.inspect):
        with pytest.raises(TypeError, match="a network was expected, not 3"):
            call(picture, model=3)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("error", [BusyError(3), PhotoError("x", limit=3)])
def test_errors_cross_processes(error: UnblurError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


@pytest.mark.parametrize("dtype", ["u2", "f4", "f8"])
def test_an_array_of_either_byte_order_is_taken(
    deblurrer: Deblurrer, picture: np.ndarray, dtype: str
) -> None:
    image = in_type(picture, np.float32).astype(">f8") * (65535 if dtype == "u2" else 1)
    little, big = (deblurrer(image.astype(order + dtype)) for order in "<>")
    assert big.dtype == np.dtype(f">{dtype}")
    assert np.array_equal(big, little)
    scores = [unblur.inspect(image.astype(order + dtype)).score for order in "<>"]
    assert scores[0] == scores[1]


def test_a_big_endian_pil_image_is_taken(deblurrer: Deblurrer, picture: np.ndarray) -> None:
    from PIL import Image

    grey = picture[..., 0].astype(">u2") * 257
    made = unblur.deblur(Image.frombytes("I;16B", grey.shape[::-1], grey.tobytes()))
    assert made.mode == "I;16B"
    assert np.array_equal(np.asarray(made), deblurrer(grey))


def test_a_pickled_deblurrer_opens_its_model_again(
    deblurrer: Deblurrer, picture: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(find_model("default"), tmp_path / "other.onnx")
    monkeypatch.chdir(tmp_path)
    for model in ("default", "other.onnx"):
        one = Deblurrer(model, "cpu", tile=256, precision="f32", best=True, scale=0.5)
        data = pickle.dumps(one)
        with monkeypatch.context() as elsewhere:
            elsewhere.chdir("/")
            again = pickle.loads(data)
        assert len(data) < 2000
        assert vars(again).keys() == vars(one).keys()
        assert again.description == one.description
        assert (again.engine.digest, again.scale) == (one.engine.digest, 0.5)
    assert np.array_equal(pickle.loads(pickle.dumps(deblurrer))(picture), deblurrer(picture))
    (tmp_path / "other.onnx").unlink()
    with pytest.raises(ModelError, match="no such file"):
        pickle.loads(data)


def test_deblur_gives_back_the_kind_that_it_was_given(tmp_path: Path, picture: np.ndarray) -> None:
    from PIL import Image

    array = unblur.deblur(picture)
    assert isinstance(array, np.ndarray)
    pil = unblur.deblur(Image.fromarray(picture))
    assert np.array_equal(np.asarray(pil), array)
    path = write(tmp_path / "photo.png", picture)
    data = unblur.deblur(path.read_bytes())
    assert isinstance(data, bytes)
    assert np.array_equal(pyvips.Image.new_from_buffer(data, "").numpy(), array)
    out = unblur.deblur(path)
    assert out == tmp_path / "photo-deblurred.png"
    assert np.array_equal(pyvips.Image.new_from_file(str(out)).numpy(), array)
    with pytest.raises(TypeError, match="path was expected"):
        unblur.deblur(3)


def test_what_is_not_kept_is_warned_of(tmp_path: Path, picture: np.ndarray) -> None:
    path = with_thumbnail(tmp_path / "photo.tif", picture)
    with pytest.warns(NotKeptWarning, match="^the result is without the thumbnail$") as warned:
        data = unblur.deblur(path.read_bytes())
    assert [Path(one.filename).name for one in warned] == [Path(__file__).name]
    with pytest.warns(NotKeptWarning, match=r"photo-deblurred\.tif is without the thumbnail$"):
        out = unblur.deblur(path)
    assert out.read_bytes() == data
    assert unblur.deblur(path.read_bytes(), strength=0) == path.read_bytes()


def test_what_needs_no_deblurring_comes_back_as_it_was(
    deblurrer: Deblurrer, tmp_path: Path
) -> None:
    grey = np.full((70, 90, 3), 128, np.uint8)
    path = write(tmp_path / "grey.jpg", grey)
    assert np.array_equal(deblurrer(grey), grey)
    assert not deblur_file(deblurrer, path, tmp_path / "out.jpg").changed
    assert (tmp_path / "out.jpg").read_bytes() == path.read_bytes()
    assert unblur.deblur(path.read_bytes()) == path.read_bytes()
    deblur_file(deblurrer, path, tmp_path / "out.png")
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")


def test_large_photos_go_through_a_file_part_by_part(
    deblurrer: Deblurrer, tmp_path: Path, picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "photo.png", np.tile(picture, (2, 3, 1)))
    deblur_file(deblurrer, path, tmp_path / "whole.png")
    monkeypatch.setattr("unblur.inference.deblur_file.IN_MEMORY", 0)
    assert deblur_file(deblurrer, path, tmp_path / "parts.png").changed
    whole, parts = (photo.read(tmp_path / name).pixels for name in ("whole.png", "parts.png"))
    assert np.array_equal(whole, parts)
    assert not deblur_file(deblurrer, path, tmp_path / "same.png", strength=0).changed
    assert (tmp_path / "same.png").read_bytes() == path.read_bytes()

    monkeypatch.setattr("unblur.inference.blend._add", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        deblur_file(deblurrer, path, tmp_path / "broken.png")
    names = {p.name for p in tmp_path.iterdir()}
    assert names == {"photo.png", "whole.png", "parts.png", "same.png"}


def test_colours_under_transparency_stay_and_do_not_bleed(
    deblurrer: Deblurrer, picture: np.ndarray
) -> None:
    alpha = np.full((*picture.shape[:2], 1), 255, np.uint8)
    alpha[:, :20] = 0
    hidden = np.concatenate([picture, alpha], axis=2)
    hidden[:, :20, :3] = 0
    out = deblurrer(hidden)
    assert np.array_equal(out[:, :20], hidden[:, :20])
    grey = np.full((96, 96, 4), (150, 150, 150, 255), np.uint8)
    grey[:, :40] = 0
    edge = deblurrer(grey)
    assert np.abs(edge[:, 40:, :3].astype(int) - 150).max() <= 1


def test_damaged_weights_are_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundled = find_model("default").parent
    weights = tmp_path / "weights"
    shutil.copytree(bundled, weights)
    monkeypatch.setattr("unblur.inference.models.resources.files", lambda _: tmp_path)
    assert find_model("default").parent == weights
    data = bytearray((weights / "default.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (weights / "default.onnx").write_bytes(data)
    with pytest.raises(ModelError, match=r"default.onnx: damaged, .*; install unblur again"):
        Engine(precision="float")


@pytest.mark.parametrize("choice", [{"device": "tpu"}, {"precision": "int3"}])
def test_unknown_choices_are_refused(choice: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match=r"must be one of auto, .*, not '(tpu|int3)'"):
        Deblurrer(**choice)


def test_models_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"name one \(bundled: default, default-int8"):
        Engine("nosuch")
    rubbish = tmp_path / "rubbish.onnx"
    rubbish.write_bytes(b"not a network")
    with pytest.raises(ModelError, match="not an ONNX network"):
        Engine(rubbish)
