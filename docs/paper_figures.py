"""Draws the curves of docs/paper.md from the logs of runs.

    python docs/paper_figures.py [docs/paper]

Every NAME.jsonl of the folder that is the log of a run with a discriminator becomes
docs/images/paper-NAME.svg: the terms at their weights, D(real) and D(fake), and, where the run was
watched, the norms of the terms' gradients. NAME.toml beside it, the run's config, says the weights.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from unblur.losses import LossConfig
from unblur.training import config as configs

HERE = Path(__file__).parent
TERMS = ("adversarial", "content", "pixel", "gradient")


def main(folder: Path) -> None:
    for log in sorted(folder.glob("*.jsonl")):
        lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        lines = [line for line in lines if "D(real)" in line]
        if lines:
            loss = configs.load(log.with_suffix(".toml")).phases[-1].loss
            draw(lines, loss, HERE / "images" / f"paper-{log.stem}.svg")


def draw(lines: list[dict[str, float]], loss: LossConfig, path: Path) -> None:
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
    points = [(line["step"], weight * line[key]) for line in lines if key in line]
    axis.plot([x for x, _ in points], [y for _, y in points], label=label, linewidth=1)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "paper")
