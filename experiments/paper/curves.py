"""Draw the training curves of docs/paper.md from the logs and configs in runs/.

    python -m experiments.paper.curves [FOLDER]

Each NAME.jsonl of the folder, the log of a run with a discriminator, becomes
docs/images/paper-NAME.svg: the loss terms at their weights, D(real) and D(fake), and the norms of
the terms' gradients where the run logged them. The weights are those of NAME.toml beside it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments import IMAGES
from unblur.losses import LossConfig
from unblur.training import config as configs

RUNS = Path(__file__).with_name("runs")
TERMS = ("adversarial", "content", "pixel", "gradient")


def main(folder: Path = RUNS) -> None:
    for log in sorted(folder.glob("*.jsonl")):
        lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        loss = configs.load(log.with_suffix(".toml")).phases[-1].loss
        path = IMAGES / f"paper-{log.stem}.svg"
        draw([line for line in lines if "D(real)" in line], loss, path)
        print(path)


def draw(lines: list[dict[str, float]], loss: LossConfig, path: Path) -> None:
    """Draw one run's log lines."""
    with mpl.rc_context({"font.size": 8, "svg.hashsalt": "unblur"}):
        figure = Figure(figsize=(11, 3.2), layout="constrained")
        terms, scores, norms = figure.subplots(1, 3)
        for name in TERMS:
            weight = getattr(loss, name)
            plot(terms, lines, name, f"{weight:g} x {name}", weight)
            plot(norms, lines, f"gradient of {name}", f"{weight:g} x {name}")
        plot(scores, lines, "D(real)", "D(real)")
        plot(scores, lines, "D(fake)", "D(fake)")
        terms.set(title="terms at their weights", yscale="log")
        scores.set(title="the discriminator's scores, last of its steps", ylim=(-0.03, 1.03))
        norms.set(title="norm of each weighted term's gradient", yscale="log")
        for axis in (terms, scores, norms):
            axis.set_xlabel("generator step")
            axis.legend(fontsize=7)
        figure.savefig(path, metadata={"Date": None})


def plot(
    axis: Axes, lines: list[dict[str, float]], key: str, label: str, weight: float = 1.0
) -> None:
    """Draw a logged value, times a weight, against the step."""
    points = [(line["step"], weight * line[key]) for line in lines if key in line]
    axis.plot([x for x, _ in points], [y for _, y in points], label=label, linewidth=1)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
