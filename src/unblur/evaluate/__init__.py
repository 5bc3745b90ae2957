"""Tables and figures: PSNR and SSIM of models on a folder of pairs."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from unblur import metrics, photo
from unblur.datasets import Pair, find_pairs, read_rgb
from unblur.errors import UnblurError
from unblur.evaluate.detail import worst_place
from unblur.restore import Deblurrer

BLURRED = "blurred"
"""Name of the row that measures the input itself."""

CITED = (
    ("Sun", 24.64, 0.842),
    ("Xu", 25.10, 0.890),
    ("Gong", 26.40, 0.863),
    ("DeblurGAN", 28.70, 0.858),
    ("Nah", 29.08, 0.913),
    ("Zhang", 29.19, 0.930),
    ("DeblurGAN-v2", 29.55, 0.934),
    ("Li", 29.89, 0.937),
    ("SRN", 30.10, 0.932),
    ("Tran", 30.20, 0.939),
    ("XYDeblur", 30.97, 0.950),
    ("the paper's own, at 256x256", 31.50, 0.958),
)
"""The paper's table: all 1111 test pairs, each row as its authors measured it, none by us."""

TITLES = {
    "full": "protocol full: native size",
    "paper": "protocol paper: both images resized to 256x256 by area first",
}


def run(
    dataset: Path,
    models: list[str],
    protocol: str | None = None,
    blur: str = "blur",
    to_json: Path | None = None,
    figure: Path | None = None,
) -> None:
    """Measures, prints a table for each protocol, and writes what was asked for.

    The JSON file holds the first protocol's result (see `measure`) and under "others" the second's.

    Raises:
        DataError, ModelError, CheckpointError: for unusable inputs.
        UnblurError: if a file cannot be written.
    """
    console = Console()
    pairs = find_pairs(dataset, "test", blur)
    with loaded(models) as deblurrers:
        protocols = [protocol] if protocol else list(metrics.PROTOCOLS)
        results = [measure(pairs, deblurrers, p) for p in protocols]
        for result in results:
            console.print(_table(result))
        if "gopro" in str(dataset.resolve()).lower():
            console.print(_cited_table())
        if to_json:
            whole = {**results[0], "others": results[1:]}
            photo.save(json.dumps(whole, indent=1).encode(), to_json, overwrite=True)
        if figure:
            draw(pairs, deblurrers, figure)
            console.print(str(figure))


def measure(pairs: list[Pair], deblurrers: dict[str, Deblurrer], protocol: str) -> dict[str, Any]:
    """PSNR and SSIM of the blurred input and of each model.

    Returns:
        `{"protocol", "models": [{"name", "mean": {"psnr", "ssim"}, "images": [{"name", "psnr",
        "ssim"}]}]}`, the first model being the blurred input. Equal images count as 100 dB.
    """
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in (BLURRED, *deblurrers)}
    for pair in pairs:
        blurred, sharp = read_rgb(pair.blur), read_rgb(pair.sharp)
        if protocol == "paper":
            side = metrics.PAPER_SIZE
            blurred, sharp = (metrics.resize_by_area(x, side, side) for x in (blurred, sharp))
        for name in rows:
            image = blurred if name == BLURRED else deblurrers[name](blurred)
            scores = {
                "psnr": min(metrics.psnr(image, sharp), 100.0),
                "ssim": metrics.ssim(image, sharp),
            }
            rows[name].append({"name": pair.name, **scores})
    models = [
        {
            "name": name,
            "mean": {key: float(np.mean([i[key] for i in images])) for key in ("psnr", "ssim")},
            "images": images,
        }
        for name, images in rows.items()
    ]
    return {"protocol": protocol, "models": models}


def draw(pairs: list[Pair], deblurrers: dict[str, Deblurrer], path: Path) -> None:
    """The paper's Fig. 3: blurred, sharp and restored, each with a detail at full size below.

    Three pairs at most, spread over the set; the detail is where blur costs most.

    Raises:
        UnblurError: if the file cannot be written.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    shown = pairs[:: max(1, len(pairs) // 3)][:3]
    columns = ["blurred", "sharp", *(f"restored: {name}" for name in deblurrers)]
    with mpl.rc_context({"font.size": 8}):
        sheet = Figure(figsize=(3.2 * len(columns), 4.6 * len(shown)), layout="constrained")
        axes = sheet.subplots(2 * len(shown), len(columns), squeeze=False)
        for row, pair in enumerate(shown):
            blurred, sharp = read_rgb(pair.blur), read_rgb(pair.sharp)
            images = [blurred, sharp, *(d(blurred) for d in deblurrers.values())]
            y, x, side = worst_place(blurred, sharp, 160)
            for column, image in enumerate(images):
                whole, detail = axes[2 * row][column], axes[2 * row + 1][column]
                whole.imshow(image)
                whole.add_patch(Rectangle((x, y), side, side, fill=False, color="yellow"))
                detail.imshow(image[y : y + side, x : x + side], interpolation="nearest")
                score = "" if image is sharp else f"{metrics.psnr(image, sharp):.2f} dB"
                whole.set_title(columns[column] if row == 0 else "")
                detail.set_title(f"{pair.name} {score}")
                whole.axis("off")
                detail.axis("off")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            sheet.savefig(path, dpi=200)
        except (OSError, ValueError) as error:
            raise UnblurError(f"{path}: the figure cannot be written ({error})") from None


@contextmanager
def loaded(models: list[str]) -> Iterator[dict[str, Deblurrer]]:
    """The models by name, in float32 so that figures do not depend on the processor.

    A checkpoint is exported first, so that what is measured is what people run.
    """
    with tempfile.TemporaryDirectory() as folder:
        deblurrers = {}
        for index, model in enumerate(models):
            file: str | Path = model
            if model.endswith(".safetensors"):
                from unblur.export import export

                file = Path(folder) / f"{index}.onnx"
                export(Path(model), file)
            deblurrers[model] = Deblurrer(file, "cpu", precision="f32")
        yield deblurrers


def _table(result: dict[str, Any]) -> Table:
    models = result["models"]
    table = Table(title=TITLES[result["protocol"]], title_justify="left")
    table.add_column("image")
    for model in models:
        table.add_column(f"{model['name']}\nPSNR / SSIM", justify="right")
    for index, image in enumerate(models[0]["images"]):
        cells = (_cell(m["images"][index], image) for m in models)
        table.add_row(image["name"], *cells)
    table.add_section()
    table.add_row("mean", *(_cell(m["mean"], models[0]["mean"]) for m in models))
    return table


def _cell(scores: dict[str, Any], blurred: dict[str, Any]) -> str:
    text = f"{scores['psnr']:.2f} / {scores['ssim']:.3f}"
    gain = scores["psnr"] - blurred["psnr"]
    return text if scores is blurred else f"{text} ({gain:+.2f} dB)"


def _cited_table() -> Table:
    title = "as cited by the paper, not measured here: all of GoPro's test set, SSIM of any kind"
    table = Table(title=title, title_justify="left")
    table.add_column("method")
    table.add_column("PSNR / SSIM", justify="right")
    for name, psnr, ssim in CITED:
        table.add_row(name, f"{psnr:.2f} / {ssim:.3f}")
    return table
