"""Measure batch norm and dropout of the paper's generator at inference, each way, on real pairs.

    python -m experiments.paper.modes PAIRS --model CHECKPOINT [--model MORE]...
        [--table docs/paper.md]

Batch norm uses the statistics averaged in training, or those of the one image, as in training with
batch 1; dropout is off, or on with the paper's 0.5. Pairs are resized to 256x256 by area; images
are restored whole, in float32, and rounded to 8 bits.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from experiments.documents import publish
from unblur import metrics
from unblur.datasets import find_dataset, read_rgb
from unblur.nets import checkpoint

MODES = {
    "running, off": (False, False),
    "per image, off": (True, False),
    "running, on": (False, True),
    "per image, on": (True, True),
}
"""Whether batch norm uses the image's own statistics, and whether dropout is on."""
DROPOUT = 0.5
PLACE = "modes"


def main(command: Sequence[str] | None = None) -> int:
    """Run the command line; returns 0, or 1 after one line on standard error."""
    parser = argparse.ArgumentParser(
        "python -m experiments.paper.modes", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--model", type=Path, action="append", required=True)
    parser.add_argument("--table", type=Path, help="Markdown file with a place for the table")
    options = parser.parse_args(command)
    return publish(lambda: measure(options.pairs, options.model), options.table, PLACE)


def measure(folder: Path, models: Sequence[Path]) -> str:
    """The table of the models' gains on the pairs of a folder, as Markdown.

    Raises:
        UnblurError: for pairs and checkpoints that cannot be read.
    """
    pairs = [(_small(pair.blur), _small(pair.sharp)) for pair in find_dataset(folder, "test").pairs]
    rows = {}
    for path in models:
        net, _, provenance = checkpoint.load_generator(path)
        rows[f"{path.stem}, {provenance.get('step')} steps"] = gains(net, pairs)
    return markdown(rows, float(np.mean([metrics.psnr(*pair) for pair in pairs])))


def gains(net: nn.Module, pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> dict[str, list[float]]:
    """The gain in dB on each pair, by the name of the mode."""
    return {
        name: [metrics.psnr(restore(net, blurred, *mode), sharp) - metrics.psnr(blurred, sharp)
               for blurred, sharp in pairs]
        for name, mode in MODES.items()
    }  # fmt: skip


@torch.no_grad()
def restore(net: nn.Module, image: np.ndarray, per_image: bool, dropout: bool) -> np.ndarray:
    """Restore an (h, w, 3) uint8 image in one mode; the network's state stays the same."""
    before = {name: value.clone() for name, value in net.state_dict().items()}
    torch.manual_seed(0)
    net.eval()
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.train(per_image)
        elif isinstance(layer, nn.Dropout):
            layer.p = DROPOUT
            layer.train(dropout)
    batch = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 127.5 - 1
    out = ((net(batch)[0] + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 0).numpy()
    # Batch norm in training mode also moves the averaged statistics.
    net.load_state_dict(before)
    return out


def markdown(rows: Mapping[str, Mapping[str, Sequence[float]]], blurred: float) -> str:
    """Mean and range of the gains, a row a model and a column a mode."""
    count = len(next(iter(next(iter(rows.values())).values())))
    lines = [
        f"Gain in dB over the blurred {blurred:.2f} dB, mean of {count} pairs [least, most].",
        "",
        f"| batch norm's statistics, dropout {DROPOUT} | {' | '.join(MODES)} |",
        f"|---|{'---:|' * len(MODES)}",
    ]
    for name, modes in rows.items():
        cells = [f"{np.mean(own):+.2f} [{min(own):+.2f}, {max(own):+.2f}]"
                 for own in modes.values()]  # fmt: skip
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _small(path: Path) -> np.ndarray:
    return metrics.resize_by_area(read_rgb(path), metrics.PAPER_SIZE, metrics.PAPER_SIZE)


if __name__ == "__main__":
    sys.exit(main())
