"""Draws the curve of docs/training.md, dB against crops seen, from stored logs.

    python docs/training_figures.py [LOG.jsonl ...]

By default the log is docs/training/curve.jsonl, of the run behind the bundled weights. The log of
any run of `unblur train` is drawn too: it has the crops, and the gain of every validation.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

HERE = Path(__file__).parent
LABELS = {
    "mix": "training mix, weights of the moment",
    "average": "training mix, averaged weights",
    "held_out": "13 held-out GoPro pairs, averaged weights",
    "gopro": "8 pairs of GoPro's test half, averaged weights",
    "gain": "held-out images, averaged weights",
}


def main(logs: list[Path]) -> None:
    with mpl.rc_context({"font.size": 8, "svg.hashsalt": "unblur"}):
        figure = Figure(figsize=(6, 3.4), layout="constrained")
        axis = figure.subplots()
        for log in logs:
            lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
            for key, label in LABELS.items():
                points = [(line["crops"] / 1000, line[key]) for line in lines if key in line]
                if points:
                    whose = "" if len(logs) == 1 else f"{log.parent.name}: "
                    xs, ys = zip(*points, strict=True)
                    axis.plot(xs, ys, "o-", markersize=3, linewidth=1, label=whose + label)
        axis.set(xlabel="crops of 256 x 256 seen, thousands", ylabel="gain over the blurred, dB")
        axis.set(xlim=(0, None), ylim=(0, None))
        axis.grid(alpha=0.3)
        axis.legend(fontsize=7)
        figure.savefig(HERE / "images" / "training.svg", metadata={"Date": None})


if __name__ == "__main__":
    main([Path(path) for path in sys.argv[1:]] or [HERE / "training" / "curve.jsonl"])
