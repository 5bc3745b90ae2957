"""The ablation's tables: means and deviations over seeds, and differences paired by seed."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from experiments.ablation.rows import REFERENCE, ROWS
from unblur import __version__
from unblur.training import config as configs

PLACE = "ablation"
"""Name of the table's place in its document."""
LEVEL = 0.95
"""Confidence level of the intervals."""


def markdown(results: Sequence[Mapping[str, Any]]) -> str:
    """The tables of `measure.measure`'s results: rows and their cost, then one table a set."""
    rows: dict[str, dict[int, Mapping[str, Any]]] = {}
    for result in sorted(results, key=lambda r: (r["name"] != REFERENCE, r["name"], r["seed"])):
        rows.setdefault(result["name"], {})[result["seed"]] = result
    first = results[0]
    counts = sorted({len(seeds) for seeds in rows.values()})
    lines = [
        "Seeds a row: "
        f"{' to '.join(map(str, dict.fromkeys((counts[0], counts[-1]))))}; one run at a time on a "
        f"core of: {first['hardware']}; unblur {__version__}, PyTorch {first['torch']}.",
        "",
        "| row | what it is | steps, crops | parameters | GMAC at 256x256 | s a step "
        "| adversarial term, end |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, seeds in rows.items():
        runs = [*seeds.values()]
        (phase,) = configs.loads(runs[0]["config"]).phases
        budget = f"{phase.steps} of {phase.batch} x {phase.crop}x{phase.crop}"
        second = statistics.median(r["seconds"] for r in runs) / phase.steps
        ends = [r["adversarial"] for r in runs if r["adversarial"] is not None]
        end = spread(ends, 2) if ends else "-"
        size, work = runs[0]["parameters"] / 1e6, runs[0]["gmac"]
        cells = [name, ROWS[name].about, budget]
        cells += [f"{size:.2f} M", f"{work:.2f}", f"{second:.3f}", end]
        lines.append(f"| {' | '.join(cells)} |")
    sets = dict.fromkeys(key for r in results for key in r["sets"])
    for key in sets:
        lines += ["", *_set_table(key, rows)]
    return "\n".join(lines)


def _set_table(key: str, rows: Mapping[str, Mapping[int, Mapping[str, Any]]]) -> list[str]:
    known = {
        name: {seed: r["sets"][key] for seed, r in seeds.items() if key in r["sets"]}
        for name, seeds in rows.items()
    }
    some = next(images for seeds in known.values() for images in seeds.values())
    psnr, ssim = (statistics.mean(i[f"blurred_{m}"] for i in some) for m in ("psnr", "ssim"))
    lines = [
        f"**{key}**: {len(some)} images; blurred {psnr:.2f} dB, SSIM {ssim:.4f}.",
        "",
        "| row | PSNR gain, dB | SSIM gain | compared with | difference in PSNR, dB | told apart |",
        "|---|---|---|---|---|---|",
    ]
    gains = {name: {seed: gain(images, "psnr") for seed, images in seeds.items()}
             for name, seeds in known.items()}  # fmt: skip
    for name, seeds in known.items():
        similar = [gain(images, "ssim") for images in seeds.values()]
        cells = [name, spread([*gains[name].values()], 3), spread(similar, 4)]
        other = ROWS[name].against
        both = gains[name].keys() & gains.get(other, {}).keys()
        if name == other or not both:
            cells += ["", "", ""]
        else:
            differences = [gains[name][s] - gains[other][s] for s in sorted(both)]
            cells += [other, *compare(differences)]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def gain(images: Sequence[Mapping[str, Any]], metric: str) -> float:
    """Mean gain of a metric over the blurred images."""
    return statistics.mean(image[metric] - image[f"blurred_{metric}"] for image in images)


def spread(values: Sequence[float], digits: int) -> str:
    """Mean, and ± standard deviation for two values or more."""
    mean = f"{statistics.mean(values):+.{digits}f}"
    return f"{mean} ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else mean


def compare(differences: Sequence[float]) -> list[str]:
    """Two cells: the mean difference with its interval, and whether the interval excludes 0."""
    mean = f"{statistics.mean(differences):+.3f}"
    if len(differences) < 2:
        return [mean, "one seed"]
    low, high = interval(differences)
    verdict = "better" if low > 0 else "worse" if high < 0 else "no"
    return [f"{mean} [{low:+.3f}, {high:+.3f}]", verdict]


def interval(differences: Sequence[float]) -> tuple[float, float]:
    """Student's t interval of the mean of two or more paired differences, at `LEVEL`."""
    from scipy import stats

    count, mean = len(differences), statistics.mean(differences)
    error = statistics.stdev(differences) / count**0.5
    half = float(stats.t.ppf((1 + LEVEL) / 2, count - 1)) * error
    return mean - half, mean + half
