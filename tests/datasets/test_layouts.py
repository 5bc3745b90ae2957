"""Each reader on a tiny tree of the shape that its dataset has when it is downloaded."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.files import write
from unblur.datasets import LAYOUTS, Split, find_data, find_dataset, find_pairs
from unblur.errors import DataError

DARK = np.zeros((8, 12, 3), np.uint8)
J = "RealBlur-J_ECC_IMCORR_centroid_itensity_ref"
R = "RealBlur-R_BM3D_ECC_IMCORR_centroid_itensity_ref"


def files(root: Path, *names: str) -> Path:
    """Writes pictures, each of another grey, so that a wrong one is noticed."""
    for name in names:
        write(root / name, DARK + len(list(root.rglob("*.png"))))
    return root


def gopro(root: Path) -> Path:
    for half, scene in (("train", "GOPR0372_07_00"), ("test", "GOPR0384_11_00")):
        files(root, *(f"{half}/{scene}/{side}/000001.png" for side in ("blur", "sharp")))
        files(root, f"{half}/{scene}/blur_gamma/000001.png")
    return root


def hide(root: Path) -> Path:
    files(root, "train/1.png", "test/test-close-ups/2.png", "test/test-long-shot/3.png")
    return files(root, *(f"GT/{n}.png" for n in (1, 2, 3)))


def reds(root: Path) -> Path:
    for half, scene in (("train", "239"), ("val", "000")):
        names = (f"{half}_{side}/{scene}/00000007.png" for side in ("blur", "sharp", "blur_comp"))
        files(root, *(f"{half}/{name}" for name in names))
    return root


def realblur(root: Path, folder: str = J, kind: str = "J") -> Path:
    lines: dict[str, list[str]] = {"train": [], "test": []}
    for half, scene, n in (("train", 1, 5), ("test", 244, 2), ("test", 244, 10)):
        home = f"{folder}/scene{scene:03}"
        files(root, f"{home}/gt/gt_{n}.png", f"{home}/blur/blur_{n}.png")
        lines[half].append(f"{home}/gt/gt_{n}.png {home}/blur/blur_{n}.png \n")
    for half, text in lines.items():
        (root / f"RealBlur_{kind}_{half}_list.txt").write_text("".join(text))
    return root


def rsblur(root: Path) -> Path:
    for half, shot in (("train", "000001"), ("test", "000022")):
        sharp, blurred = (
            f"RSBlur/0001/{shot}/{x}.png" for x in ("gt/gt_sharp", "real_blur/real_blur")
        )
        files(root, sharp, blurred, f"RSBlur/0001/{shot}/avg65_img/avg_blur.png")
        (root / f"RSBlur_real_{half}.txt").write_text(f"{sharp} {blurred}\n")
    return root


def kohler(root: Path) -> Path:
    files(root, "Blurry1_2.png", "Blurry1_12.png")
    files(root, *(f"Image1/Kernel12/GroundTruth1_12_{n}.png" for n in (1, 2, 9, 10, 11)))
    return files(root, "Image1/Kernel2/GroundTruth1_2_1.png")


def flat(root: Path) -> Path:
    sides = ("train/input", "train/target", "test/input", "test/target")
    return files(root, *(f"{side}/1.png" for side in sides))


# layout: (what makes the tree, the dataset's name, names of the test pairs, a test pair's files,
# what goes missing; the error then shows the tree)
CASES: dict[str, tuple[Callable[[Path], Path], str, list[str], tuple[str, str], str]] = {
    "gopro": (
        gopro, "GoPro", ["GOPR0384_11_00/000001"],
        ("test/GOPR0384_11_00/blur/000001.png", "test/GOPR0384_11_00/sharp/000001.png"),
        "test/GOPR0384_11_00/sharp",
    ),
    "hide": (
        hide, "HIDE", ["test-close-ups/2", "test-long-shot/3"],
        ("test/test-close-ups/2.png", "GT/2.png"), "GT/3.png",
    ),
    "reds": (
        reds, "REDS", ["000/00000007"],
        ("val/val_blur/000/00000007.png", "val/val_sharp/000/00000007.png"), "val/val_sharp",
    ),
    "realblur-j": (
        realblur, "RealBlur-J", ["scene244/02", "scene244/10"],
        (f"{J}/scene244/blur/blur_2.png", f"{J}/scene244/gt/gt_2.png"),
        f"{J}/scene244/gt/gt_10.png",
    ),
    "realblur-r": (
        lambda root: realblur(root, R, "R"), "RealBlur-R", ["scene244/02", "scene244/10"],
        (f"{R}/scene244/blur/blur_2.png", f"{R}/scene244/gt/gt_2.png"), "RealBlur_R_test_list.txt",
    ),
    "rsblur": (
        rsblur, "RSBlur", ["0001/000022"],
        ("RSBlur/0001/000022/real_blur/real_blur.png", "RSBlur/0001/000022/gt/gt_sharp.png"),
        "RSBlur/0001/000022/real_blur",
    ),
    "kohler": (
        kohler, "Köhler", ["1_02", "1_12"],
        ("Blurry1_2.png", "Image1/Kernel2/GroundTruth1_2_1.png"), "Image1/Kernel12",
    ),
    "flat": (
        flat, "pairs", ["1"], ("test/input/1.png", "test/target/1.png"), "test/target/1.png",
    ),
}  # fmt: skip


def test_every_layout_is_tested() -> None:
    assert CASES.keys() == LAYOUTS.keys()


@pytest.mark.parametrize("layout", CASES)
def test_a_dataset_is_read_as_it_is_downloaded(layout: str, tmp_path: Path) -> None:
    make, name, names, (blurred, sharp), _ = CASES[layout]
    make(tmp_path)
    found = find_dataset(tmp_path)
    forced = find_dataset(tmp_path, layout=layout)
    assert (found.name, found.pairs, found.note) == (forced.name, forced.pairs, forced.note)
    assert found.name == name
    assert [pair.name for pair in found.pairs] == names
    assert found.pairs[0].blur.samefile(tmp_path / blurred)
    assert found.pairs[0].sharp.samefile(tmp_path / sharp)
    if layout != "flat":
        assert f"{len(names)} of the" in found.note
    trained = [pair.name for pair in find_data(tmp_path)[0]]
    assert trained
    assert layout in ("kohler", "flat") or not set(trained) & set(names)


@pytest.mark.parametrize("layout", CASES)
def test_what_is_missing_is_named_with_the_tree_it_belongs_in(layout: str, tmp_path: Path) -> None:
    make, *_, missing = CASES[layout]
    gone = make(tmp_path) / missing
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    if layout == "realblur-r":
        (tmp_path / "RealBlur_R_train_list.txt").unlink()
    with pytest.raises(DataError) as error:
        find_dataset(tmp_path)
    first, _, rest = str(error.value).partition("; ")
    assert "\n" not in first
    assert rest == LAYOUTS[layout].tree


@pytest.mark.parametrize("layout", CASES)
def test_a_layout_that_is_not_there_shows_its_tree(layout: str, tmp_path: Path) -> None:
    for root in (tmp_path, tmp_path / "none"):
        with pytest.raises(DataError) as error:
            find_dataset(root, layout=layout)
        assert str(error.value).endswith(LAYOUTS[layout].tree)


@pytest.mark.parametrize("layout", ["gopro", "hide", "reds", "realblur-j", "rsblur", "flat"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_one_half_alone_is_measured_with_a_warning_and_never_taken_for_the_other(
    layout: str, split: Split, tmp_path: Path
) -> None:
    CASES[layout][0](tmp_path)
    missing = "train" if split == "test" else "test"
    gone = (f"*{missing}*", "val") if missing == "test" else ("*train*",)
    for path in [path for pattern in gone for path in tmp_path.glob(pattern)]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(DataError, match="has"):
        find_pairs(tmp_path, missing)
    found = find_dataset(tmp_path, missing)
    assert found.pairs == find_pairs(tmp_path, split)
    assert ("trained on" in found.note) == (split == "train")


def test_the_blurred_side_can_be_chosen(tmp_path: Path) -> None:
    gopro(tmp_path / "g")
    reds(tmp_path / "r")
    assert find_pairs(tmp_path / "g", "test", "blur_gamma")[0].blur.parent.name == "blur_gamma"
    assert find_pairs(tmp_path / "r", "test", "blur_comp")[0].blur.parts[-3] == "val_blur_comp"


def test_inner_folders_and_the_working_folder_are_the_same_dataset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    realblur(tmp_path / "b")
    rsblur(tmp_path / "s")
    reds(tmp_path / "r")
    hide(tmp_path / "h" / "HIDE_dataset")
    for inner in (f"b/{J}", "s/RSBlur", "r/val", "h/HIDE_dataset"):
        assert find_pairs(tmp_path / inner, "test") == find_pairs(tmp_path / inner[0], "test")
    monkeypatch.chdir(tmp_path / "b" / J)
    assert find_dataset(Path()).name == "RealBlur-J"


def test_two_datasets_in_one_folder_are_not_guessed(tmp_path: Path) -> None:
    realblur(realblur(tmp_path), R, "R")
    with pytest.raises(DataError, match="both RealBlur-J and RealBlur-R; name one"):
        find_dataset(tmp_path)
    assert find_dataset(tmp_path, layout="realblur-r").name == "RealBlur-R"
    assert find_dataset(tmp_path / J).name == "RealBlur-J"
    with pytest.raises(DataError, match="no layout 'imagenet'; expected auto, kohler, "):
        find_dataset(tmp_path, layout="imagenet")


def test_frames_of_a_shake_are_in_order_around_the_middle_one(tmp_path: Path) -> None:
    pair = find_dataset(kohler(tmp_path)).pairs[1]
    numbers = [int(path.stem.split("_")[-1]) for path in pair.others]
    assert (int(pair.sharp.stem.split("_")[-1]), numbers) == (9, [1, 2, 10, 11])
    write(pair.others[-1], DARK[:4])
    with pytest.raises(DataError, match=r"Blurry1_12.png: 12x8, but .*_11.png is 12x4"):
        find_dataset(tmp_path)


def test_a_list_is_sorted_by_name_and_a_line_that_is_not_two_paths_is_named(tmp_path: Path) -> None:
    path = realblur(tmp_path) / "RealBlur_J_test_list.txt"
    path.write_text("".join(reversed(path.read_text().splitlines(keepends=True))))
    assert [pair.name for pair in find_pairs(tmp_path, "test")] == ["scene244/02", "scene244/10"]
    path.write_text("\nscene001\n")
    with pytest.raises(DataError, match=r"RealBlur_J_test_list.txt, line 2: expected two paths"):
        find_dataset(tmp_path)


def test_two_files_for_one_image_are_not_guessed(tmp_path: Path) -> None:
    files(kohler(tmp_path / "k"), "copy/Blurry1_2.png")
    with pytest.raises(DataError, match=r"the same image as .*Blurry1_2.png"):
        find_dataset(tmp_path / "k")
    files(tmp_path / "f", "blur/1.png", "sharp/1.png")
    write(tmp_path / "f" / "blur" / "1.webp", DARK)
    with pytest.raises(DataError, match=r"1.webp: 1.png has the same name"):
        find_dataset(tmp_path / "f")


def test_sharp_frames_alone_are_photos(tmp_path: Path) -> None:
    files(tmp_path, "train/train_sharp/000/00000000.png", "input/1.png", "0001/2.png")
    pairs, photos = find_data(tmp_path)
    assert (pairs, len(photos)) == ([], 3)


def test_only_sequences_of_gopro_are_called_gopro(tmp_path: Path) -> None:
    files(tmp_path, "020/blur/1.png", "020/sharp/1.png")
    assert find_dataset(tmp_path).name == "pairs"
    files(tmp_path, "GOPR0384_11_00/blur/1.png", "GOPR0384_11_00/sharp/1.png")
    assert find_dataset(tmp_path).name == "pairs"


def test_a_half_that_is_named_itself_is_called_what_it_is(tmp_path: Path) -> None:
    gopro(tmp_path)
    assert find_dataset(tmp_path / "train").note == "1 of the 2103 train pairs of GoPro"
    assert find_dataset(tmp_path / "test", "train").note == "1 of the 1111 test pairs of GoPro"
