"""Draw the curve of docs/training.md, dB against crops seen, from logs of training runs.

    python -m experiments.default.curve [LOG.jsonl ...]

The default is curve.jsonl beside this file, of the run behind the bundled weights. The log.jsonl of
any run of `unblur train` can be drawn too.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from experiments import IMAGES

LOG = Path(__file__).with_name("curve.jsonl")
LABELS = {
    "mix": "training mix, weights of the moment",
    "average": "training mix, averaged weights",
    "held_out": "13 held-out GoPro pairs, averaged weights",
    "gopro": "8 pairs of GoPro's test half, averaged weights",
    "gain": "held-out images, averaged weights",
}


def main(*logs: Path) -> None:
    logs = logs or (LOG,)
    with mpl.rc_context({"font.size": 8, "svg.hashsalt": "unblur"}):
        figure = Figure(figsize=(6, 3.4), layout="constrained")
        axis = figure.subplots()
        for log in logs:
            lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
            for key, label in LABELS.items():
                points = [(line["crops"] / 1000, line[key]) for line in lines if key in line]
                if points:
                    name = "" if len(logs) == 1 else f"{log.parent.name}: "
                    xs, ys = zip(*points, strict=True)
                    axis.plot(xs, ys, "o-", markersize=3, linewidth=1, label=name + label)
        axis.set(xlabel="crops of 256 x 256 seen, thousands", ylabel="gain over the blurred, dB")
        axis.set(xlim=(0, None), ylim=(0, None))
        axis.grid(alpha=0.3)
        axis.legend(fontsize=7)
        path = IMAGES / "training.svg"
        figure.savefig(path, metadata={"Date": None})
    print(path)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
