"""A plot for each stress of a robustness card."""

from __future__ import annotations

import io
from typing import Any

import numpy as np


def draw(stress: dict[str, Any]) -> bytes:
    """A PNG: each model's mean over the photos, and the least as a thin dashed line.

    For a stress of one level, the sorted scores of the photos.

    Args:
        stress: an entry of a card's "stresses".
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    levels, gains = stress["levels"], stress["kind"] == "gain"
    places = range(len(levels))
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        sheet = Figure(figsize=(6, 3.2), layout="constrained")
        axes = sheet.subplots()
        if gains:
            axes.axhline(0, color="black", linewidth=0.8)
        for index, model in enumerate(stress["models"]):
            colour, name = f"C{index}", _label(model["name"])
            if len(levels) == 1:
                scores = sorted((photo[0] for photo in model["photos"]), reverse=True)
                axes.plot(range(1, len(scores) + 1), scores, "o-", color=colour, label=name)
                continue
            # Named levels have no order, so no line joins them.
            line, thin = ("o", "_") if isinstance(levels[0], str) else ("o-", "--")
            axes.plot(places, model["mean"], line, color=colour, label=name)
            name += ", least"
            axes.plot(places, model["least"], thin, color=colour, linewidth=0.9, label=name)
        if len(levels) == 1:
            axes.locator_params(axis="x", integer=True)
            axes.set_xlabel(f"{stress['axis']}, the best first")
        else:
            ticks = [as_text(level).replace(", ", "\n") for level in levels]
            axes.set_xticks(places, ticks)
            axes.set_xlabel(stress["axis"])
        axes.set_ylabel("gain over the input, dB" if gains else "PSNR, dB")
        axes.grid(axis="y", color="0.9")
        axes.set_axisbelow(True)
        if not gains:
            lowest = min(float(np.min(model["photos"])) for model in stress["models"])
            axes.set_ylim(min(30, 0.95 * lowest), 102)
        axes.legend(frameon=False, fontsize=8)
        buffer = io.BytesIO()
        sheet.savefig(buffer, dpi=150, metadata={"Software": None})
        return buffer.getvalue()


def as_text(level: float | str) -> str:
    """A level's name, or its number."""
    return level if isinstance(level, str) else f"{level:g}"


def _label(name: str) -> str:
    """A name without a formula or a leading underscore, which matplotlib interprets."""
    return " " * name.startswith("_") + name.replace("$", r"\$")
