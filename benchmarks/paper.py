"""The paper's claims, measured: quality under both protocols, and what a frame costs.

    python -m benchmarks.paper PAIRS [--model models/paper.safetensors] [--table docs/paper.md]
        [--only quality|cost] [--out docs/paper] [--images docs/images]

Quality is what `unblur evaluate` measures, of the paper's model and of the bundled one. Cost is
that of the same two and of DeblurGAN's generator (untrained: what it shows costs nothing), as the
tool runs them; they take turns, each in a process of its own. --out gets quality.json and
cost.json, of which --only measures one and takes the other as it lies there; --images gets a figure
of each protocol.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import ROOT, engines, machine, side_by_side
from benchmarks.documents import publish
from benchmarks.workers import in_turn
from unblur.errors import UnblurError
from unblur.evaluate.tables import CITED, TITLES
from unblur.nets.deblurgan import DeblurGANConfig
from unblur.training import config as configs
from unblur.training.config import PhaseConfig, TrainConfig

SIZES = {"256x256": (256, 256), "1280x720": (720, 1280)}
PLACE = "verdict"
PAPER, DEBLURGAN, DEFAULT = "the paper's model", "DeblurGAN's generator", "the default model"


def main(command: Sequence[str] | None = None) -> int:
    """0 if all went well, 1 with one line of what did not."""
    options = parse(command)
    return publish(lambda: table(options), options.table, PLACE)


def table(options: argparse.Namespace) -> str:
    """Measures what is to be measured, and sets it beside what is stored.

    Raises:
        UnblurError: for pairs and models that cannot be used, or a part that is not stored.
    """
    options.out.mkdir(parents=True, exist_ok=True)
    return markdown(part(options, "quality", qualities), part(options, "cost", cost))


def parse(command: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.paper", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("pairs", type=Path)
    # Relative: its name goes into tables and figures.
    model = Path(os.path.relpath(ROOT / "models" / "paper.safetensors"))
    parser.add_argument("--model", type=Path, default=model)
    parser.add_argument("--only", choices=("quality", "cost"), help="measure this one alone")
    parser.add_argument("--rounds", type=int, default=3, help="of the timing")
    parser.add_argument("--table", type=Path, help="Markdown file with a place for the tables")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "paper")
    parser.add_argument("--images", type=Path, default=ROOT / "docs" / "images")
    return parser.parse_args(command)


def part(
    options: argparse.Namespace, name: str, measured: Callable[[argparse.Namespace], dict[str, Any]]
) -> dict[str, Any]:
    """Measures and stores one part, or takes it as it is stored.

    Raises:
        UnblurError: if it is to be taken, and is not there.
    """
    path = options.out / f"{name}.json"
    if options.only in (None, name):
        path.write_text(json.dumps(measured(options), indent=1) + "\n", encoding="utf-8")
    if not path.is_file():
        raise UnblurError(f"{path}: not there; without --only it is measured too")
    return json.loads(path.read_text(encoding="utf-8"))


def qualities(options: argparse.Namespace) -> dict[str, Any]:
    """The results of both protocols, by name."""
    return {protocol: measure(options, protocol) for protocol in ("paper", "full")}


def measure(options: argparse.Namespace, protocol: str) -> dict[str, Any]:
    """A protocol's result as `unblur evaluate` has it, and its figure."""
    from unblur.evaluate import Outputs, run

    result = run(
        options.pairs,
        [str(options.model), "default"],
        protocol,
        costs=False,
        outputs=Outputs(figure=options.images / f"paper-{protocol}.jpg"),
    )
    return {key: result[key] for key in ("protocol", "dataset", "count", "models", "conditions")}


def cost(options: argparse.Namespace) -> dict[str, Any]:
    """Seconds and peak GB of each network by runtime and size, its parameters and GMACs."""
    with tempfile.TemporaryDirectory() as folder:
        return _cost(options.model, Path(folder), options.rounds)


def _cost(model: Path, folder: Path, rounds: int) -> dict[str, Any]:
    from unblur.evaluate.checkpoints import gmacs
    from unblur.inference.models import find_model
    from unblur.nets import build_generator, checkpoint
    from unblur.training.export import export

    deblurgan = TrainConfig(phases=(PhaseConfig(steps=1),), network=DeblurGANConfig())
    untrained = folder / "deblurgan.safetensors"
    net = build_generator(deblurgan.network)
    checkpoint.save_weights(untrained, net.state_dict(), configs.dumps(deblurgan), {})
    sources = {PAPER: model, DEBLURGAN: untrained, DEFAULT: find_model("default")}
    found: dict[str, Any] = {"machine": machine.describe(), "load": machine.load(), "networks": {}}
    files: dict[str, str] = {}
    for name, source in sources.items():
        net, _, _ = checkpoint.load_generator(source)
        parameters = sum(p.numel() for p in net.parameters())
        found["networks"][name] = {"parameters": parameters, "gmacs": gmacs(net)}
        files[name] = str(source)
        if source.suffix != ".onnx":
            files[name] = str(folder / f"{len(files)}.onnx")
            export(source, Path(files[name]))
    for runtime in (engines.OPENVINO, *((engines.BF16,) if engines.has_bf16() else ())):
        for size, (height, width) in SIZES.items():
            versions = {name: (engines.make, runtime, file, height, width)
                        for name, file in files.items()}  # fmt: skip
            seconds, peaks = in_turn(versions, rounds)
            for figure in side_by_side(size, "s", seconds):
                found["networks"][figure.name][f"{runtime}, {size}"] = {
                    "seconds": figure.value, "low": figure.low, "high": figure.high,
                    "ratio": figure.ratio, "peak_gb": peaks[figure.name][0],
                }  # fmt: skip
    return found


def markdown(quality: dict[str, dict[str, Any]], costs: dict[str, Any]) -> str:
    """The verdict: a table a protocol, the published rows, and the costs."""
    parts = []
    for name, result in quality.items():
        title = f"**{result['dataset']}, {result['count']} pairs, {TITLES[name]}**"
        rows = [["model", "PSNR", "SSIM", "gain, dB [95 %]", "better on", "worst pair"]]
        rows += [_quality_row(model) for model in result["models"]]
        parts += [title, _table(rows)]
    cited = [["as cited by the paper, not measured here", "PSNR", "SSIM"]]
    cited += [[name, f"{psnr:.2f}", f"{ssim:.3f}"] for name, psnr, ssim in CITED]
    parts += [
        "**Published**: all 1111 test pairs, each row as its authors measured it, SSIM of any kind",
        _table(cited),
    ]
    networks = costs["networks"]
    runs = [key for key in networks[PAPER] if key not in ("parameters", "gmacs")]
    rows = [["network", "parameters, M", "GMAC at 256x256", *(f"{run}, s" for run in runs)]]
    for name, own in networks.items():
        cells = [name, f"{own['parameters'] / 1e6:.2f}", f"{own['gmacs']:.1f}"]
        rows.append([*cells, *(_seconds(own[run]) for run in runs)])
    about = (
        f"**Cost**: {machine.name(costs['machine'])}; load {costs['load']}. Seconds are medians "
        f"[least, most]; then the ratio to {PAPER} and the process's peak."
    )
    return "\n\n".join([*parts, about, _table(rows)])


def _quality_row(model: dict[str, Any]) -> list[str]:
    names = {"default": DEFAULT, "blurred": "blurred input"}
    name = names.get(model["name"], PAPER)
    row = [name, f"{model['mean']['psnr']:.2f}", f"{model['mean']['ssim']:.3f}"]
    if "gain" not in model:
        return [*row, "", "", ""]
    low, high = model["gain_ci"]["psnr"] or (model["gain"]["psnr"],) * 2
    worst = model["worst"]["psnr"]
    return [
        *row,
        f"{model['gain']['psnr']:+.2f} [{low:+.2f}, {high:+.2f}]",
        f"{model['wins']['psnr']['blurred']:.0%}",
        f"{worst['gain']:+.2f}",
    ]


def _seconds(run: dict[str, Any]) -> str:
    span = f"{run['seconds']:.2f} [{run['low']:.2f}, {run['high']:.2f}]"
    return f"{span}, {run['ratio']:.2f}x, {run['peak_gb']:.1f} GB"


def _table(rows: list[list[str]]) -> str:
    head, *rest = rows
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rest))


if __name__ == "__main__":
    sys.exit(main())
