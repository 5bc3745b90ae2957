"""Batch norm and dropout of the paper's generator at inference, each way, on real pairs.

    python -m benchmarks.paper_modes PAIRS --model CHECKPOINT [--model MORE]... [--out F.json]
        [--table docs/paper.md]

Batch norm takes the statistics that training averaged, or those of the one image before it, which
is what batch 1 trains with; dropout is off, or on with the paper's 0.5. Pairs are resized to
256 x 256 by area, images are restored whole, in float32, and rounded to 8 bit.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.documents import publish
from unblur import metrics
from unblur.datasets import find_dataset, read_rgb
from unblur.nets import checkpoint

MODES = {
    "running, off": (False, False),
    "per image, off": (True, False),
    "running, on": (False, True),
    "per image, on": (True, True),
}
"""Whether batch norm takes the image's own statistics, and whether dropout is on."""
DROPOUT = 0.5
PLACE = "modes"


def main(command: Sequence[str] | None = None) -> int:
    """0 if all went well, 1 with one line of what did not."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.paper_modes", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--model", type=Path, action="append", required=True)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument("--table", type=Path, help="Markdown file with a place for the table")
    options = parser.parse_args(command)
    return publish(lambda: table(options), options.table, PLACE)


def table(options: argparse.Namespace) -> str:
    """Measures, and writes the JSON file.

    Raises:
        UnblurError: for pairs and checkpoints that cannot be read.
    """
    pairs = [[_small(read_rgb(p)) for p in (pair.blur, pair.sharp)]
             for pair in find_dataset(options.pairs, "test").pairs]  # fmt: skip
    found = {path.stem: of(path, pairs) for path in options.model}
    if options.out:
        options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    blurred = float(np.mean([metrics.psnr(*pair) for pair in pairs]))
    return markdown(found, blurred, len(pairs))


def of(path: Path, pairs: Sequence[Sequence[np.ndarray]]) -> dict[str, Any]:
    """The gain in dB of a checkpoint on each pair, by the name of the mode.

    Raises:
        CheckpointError: if it cannot be read.
    """
    net, _, provenance = checkpoint.load_generator(path)
    return {
        "steps": provenance.get("step"),
        "gain": {
            name: [metrics.psnr(restore(net, blurred, *mode), sharp) - metrics.psnr(blurred, sharp)
                   for blurred, sharp in pairs]
            for name, mode in MODES.items()
        },
    }  # fmt: skip


@torch.no_grad()
def restore(net: nn.Module, image: np.ndarray, per_image: bool, dropout: bool) -> np.ndarray:
    """(h, w, 3) uint8 in and out, by a network that stays as it was."""
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
    # Statistics of its own also move the running ones.
    net.load_state_dict(before)
    return out


def markdown(found: dict[str, Any], blurred: float, count: int) -> str:
    """Means over the pairs, a row a model and a column a mode."""
    lines = [
        f"Gain in dB over the blurred {blurred:.2f} dB, mean of {count} pairs [least, most].",
        "",
        f"| batch norm's statistics, dropout {DROPOUT} | {' | '.join(MODES)} |",
        f"|---|{'---:|' * len(MODES)}",
    ]
    for name, row in found.items():
        cells = [f"{np.mean(gains):+.2f} [{min(gains):+.2f}, {max(gains):+.2f}]"
                 for gains in row["gain"].values()]  # fmt: skip
        lines.append(f"| {name}, {row['steps']} steps | {' | '.join(cells)} |")
    return "\n".join(lines)


def _small(image: np.ndarray) -> np.ndarray:
    return metrics.resize_by_area(image, metrics.PAPER_SIZE, metrics.PAPER_SIZE)


if __name__ == "__main__":
    sys.exit(main())
