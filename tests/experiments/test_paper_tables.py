"""The tables and curves of docs/paper.md."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from experiments import ROOT, documents
from experiments.paper import __main__ as paper
from experiments.paper import modes, table
from experiments.paper.curves import draw
from torch import nn

from unblur.losses import LossConfig
from unblur.nets import PaperGenerator
from unblur.nets.paper import PaperConfig

SMALL = PaperConfig(widths=(8, 8, 16), trunk=16, up=(8, 8), blocks=2, dropout=0.0)


def test_the_modes_differ_and_leave_the_network_as_it_was(picture: np.ndarray) -> None:
    torch.manual_seed(0)
    net = PaperGenerator(SMALL).eval()
    nn.init.normal_(net.layer4.weight, std=0.05)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    image = picture[:64, :64].copy()
    results = {name: modes.restore(net, image, *mode)
               for name, mode in modes.MODES.items()}  # fmt: skip
    assert len({result.tobytes() for result in results.values()}) == len(modes.MODES)
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    again = modes.restore(net, image, *modes.MODES["running, off"])
    assert np.array_equal(again, results["running, off"])


def test_running_statistics_that_are_the_images_own_give_the_same(picture: np.ndarray) -> None:
    net = PaperGenerator(SMALL)
    image = picture[:64, :64].copy()
    batch = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 127.5 - 1
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 1.0
    net.train()(batch)
    own, running = (modes.restore(net, image, own, False) for own in (True, False))
    assert np.abs(own.astype(int) - running).max() <= 1


def test_the_document_has_the_stored_results() -> None:
    quality, cost = (paper.stored(paper.HERE, name) for name in ("quality", "cost"))
    begin, end = documents.markers(table.PLACE)
    whole = f"{begin}\n{table.markdown(quality, cost)}\n{end}"
    assert whole in (ROOT / "docs" / "paper.md").read_text()


def test_the_verdict_has_a_row_a_model_and_the_published_ones() -> None:
    mean, own = {"psnr": 27.5, "ssim": 0.9}, "models/paper.safetensors"
    gains = {"gain": {"psnr": 1.5}, "gain_ci": {"psnr": [1.0, 2.0]},
             "wins": {"psnr": {"blurred": 1}}, "worst": {"psnr": {"gain": 0.25}}}  # fmt: skip
    models = [{"name": "blurred", "mean": mean}, {"name": own, "mean": mean, **gains}]
    result: dict[str, Any] = {"dataset": "GoPro", "count": 8, "models": models}
    run = {"seconds": 2.0, "low": 1.9, "high": 2.2, "ratio": 1.0, "peak_gb": 1.25}
    costs: dict[str, Any] = {
        "machine": {"cpu": "a", "cores": 2, "gpu": None, "memory_gb": 8, "threads": "all",
                    "flags": [], "system": "Linux", "versions": {}},
        "load": 0.0,
        "networks": {table.PAPER: {"parameters": 8e6, "gmacs": 61.0, "OpenVINO f32, 256x256": run}},
    }  # fmt: skip
    text = table.markdown({"paper": result, "full": result}, costs)
    assert text.count("| blurred input | 27.50 | 0.900 |  |  |  |") == 2
    assert f"| {table.PAPER} | 27.50 | 0.900 | +1.50 [+1.00, +2.00] | 100% | +0.25 |" in text
    assert "| the paper's own, at 256x256 | 31.50 | 0.958 |" in text
    assert f"| {table.PAPER} | 8.00 | 61.0 | 2.00 [1.90, 2.20], 1.00x, 1.2 GB |" in text


@pytest.mark.parametrize(("module", "pairs"), [(paper, "--quality"), (modes, "--model=x")])
def test_a_table_needs_a_place(
    module: Any, pairs: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.md").write_text("no markers")
    assert module.main([pairs, str(tmp_path), "--table", str(tmp_path / "a.md")]) == 1
    assert "has no place for the table" in capsys.readouterr().err


def test_curves_are_drawn_from_a_log(tmp_path: Path) -> None:
    lines = [json.loads(f'{{"step": {i}, "D(real)": 0.9, "D(fake)": 0.1, "pixel": 0.02}}')
             for i in (10, 20)]  # fmt: skip
    draw(lines, LossConfig(), tmp_path / "curves.svg")
    assert "0.6 x content" in (tmp_path / "curves.svg").read_text()
