"""The step: what is compiled is compiled once a kind, what is rehearsed is forgotten."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from msgspec.structs import replace
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from tests.training.test_train import PLAIN, tiny
from unblur.blur.config import BlurConfig
from unblur.losses import LossConfig
from unblur.nets.gated_unet import GatedUNetConfig
from unblur.nets.paper import DiscriminatorConfig
from unblur.training import distributed
from unblur.training.config import DataConfig, PhaseConfig, TrainConfig
from unblur.training.data import TrainingData
from unblur.training.optimizer import rate
from unblur.training.state import State
from unblur.training.step import Step

PSNR = LossConfig(adversarial=0, content=0, pixel=0, gradient=0, psnr=1)
PHASE = PhaseConfig(steps=100, crop=32, batch=2, lr=1e-3, loss=PSNR)
CONFIG = TrainConfig(
    phases=(PHASE,), network=GatedUNetConfig((8, 8, 16), (1, 1, 2)), clip=1.0,
    discriminator=DiscriminatorConfig(32, (8,)), precision="32-true", compile="off",
)  # fmt: skip


def begun(config: TrainConfig = CONFIG) -> State:
    torch.manual_seed(0)
    return State(config, distributed.start(1))


def batches(state: State, count: int) -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(count, 2, 2, 3, 32, 32, generator=generator).to(state.device) * 2 - 1
    return [(x[0], x[1]) for x in images]


def weights(state: State) -> Tensor:
    return torch.cat([value.detach().flatten() for value in state.generator.parameters()])


def test_blocks_compile_once_a_kind_whatever_their_inputs_layout() -> None:
    """Forward and backward, on a process of its own: checked annotations do not compile."""
    script = """
import torch
from functorch.compile import make_boxed_func
from torch._dynamo.backends.common import aot_autograd
from unblur.nets import GatedUNet
from unblur.nets.gated_unet import GatedUNetConfig
from unblur.training.step import compile_network, undo_compile

compiled = []

def count(name):
    return lambda module, _: compiled.append(name) or make_boxed_func(module.forward)

net = GatedUNet(GatedUNetConfig((8, 16, 24), (1, 1, 3))).to(memory_format=torch.channels_last)
image = torch.rand(2, 3, 32, 32)
plain = net(image)
compile_network(net, whole=False, backend=aot_autograd(fw_compiler=count("forward"),
                                                       bw_compiler=count("backward")))
unfold = net.unfold.forward
for layout in (torch.channels_last, torch.contiguous_format):  # a CPU's and a GPU's
    net.unfold.forward = lambda x: unfold(x).contiguous(memory_format=layout)
    out = net(image)
    out.square().mean().backward()
    assert torch.allclose(out, plain, atol=1e-5)
assert sorted(compiled) == 3 * ["backward"] + 3 * ["forward"], compiled
assert undo_compile(net)
assert not undo_compile(net)
assert torch.equal(net(image), plain)
"""
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("seen", [0, 2])
def test_what_is_rehearsed_is_forgotten(seen: int) -> None:
    """Before the first step, when the optimiser has no state yet, and after it."""
    config = replace(CONFIG, phases=(replace(PHASE, loss=replace(PLAIN, adversarial=0.1)),))
    ends = []
    for rehearsed in (False, True):
        state = begun(config)
        step = Step(state, config.phases[0], pytest.fail)
        for index, batch in enumerate(batches(state, seen + 2)):
            if rehearsed and index == seen:
                with state.rehearsal():
                    step(*batch, 0.1)
                    torch.rand(1)
            step(*batch, 1e-3)
        assert state.discriminator is not None
        learned = [
            *state.generator.state_dict().values(),
            *state.discriminator.state_dict().values(),
        ]
        ends.append(
            torch.cat([x.flatten() for x in [*learned, torch.get_rng_state().to(state.device)]])
        )
    assert torch.equal(*ends)


class Reads(TorchDispatchMode):
    """Notes what a host reads from a device, and would wait for."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None):
        name = function.overloadpacket.__name__
        if name in ("_local_scalar_dense", "nonzero", "masked_select", "equal"):
            self.found.append(name)
        return function(*args, **(kwargs or {}))


def test_a_step_and_its_batch_read_nothing_back(
    pairs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loss = replace(PSNR, pixel=1.0, gradient=0.1, frequency=0.1)
    phase = replace(PHASE, loss=loss)
    state = begun(replace(CONFIG, phases=(phase,)))
    step = Step(state, phase, pytest.fail)
    # A CPU's Adam reads its count of steps; a GPU's is fused.
    monkeypatch.setattr(state.optimizer, "step", lambda: None)
    data = TrainingData(
        DataConfig((str(pairs_dir),), candidates=2, min_scale=0.5), BlurConfig(), 0, state.device
    )
    crops = data.draw(0, 32, 2)
    with Reads() as reads:
        losses = step(*data.make(crops), 1e-3)
        state.average()
    assert reads.found == []
    with Reads() as reads:
        float(losses["total"])
    assert reads.found == ["_local_scalar_dense"]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU with CUDA")
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
@pytest.mark.parametrize("compiled", ["off", "auto"])
def test_the_graphs_replay_is_the_plain_step(precision: str, compiled: str) -> None:
    """On a process of its own, as above."""
    script = f"from tests.training.test_step import compare; compare({precision!r}, {compiled!r})"
    subprocess.run([sys.executable, "-c", script], check=True)


def compare(precision: str, compiled: str) -> None:
    """Six batches at rates that rise and fall, one of them watched, on two like networks."""
    loss = replace(PSNR, pixel=1.0, gradient=0.1)
    phase = replace(PHASE, loss=loss)
    config = replace(CONFIG, phases=(phase,), precision=precision, clip=0.01)
    plain = begun(replace(config, graph=False))
    graphed = begun(replace(config, compile=compiled))
    start = weights(plain)
    steps = [Step(state, phase, pytest.fail) for state in (plain, graphed)]
    assert torch.equal(weights(graphed), start)
    for index, batch in enumerate(batches(plain, 6)):
        lr, watch = (0.0, 1e-3, 1e-3, 1e-4, 0.0, 1e-3)[index], index == 3
        one, other = ({n: float(v) for n, v in s(*batch, lr, watch).items()} for s in steps)
        assert one == pytest.approx(other, rel=0.05)
        if index == 0:
            assert torch.equal(weights(graphed), start)
    assert steps[1]._graph is not None
    (batch,) = batches(plain, 1)
    torch.cuda.set_sync_debug_mode("error")
    steps[1](*batch, 0.0)
    graphed.average()
    torch.cuda.set_sync_debug_mode("default")
    # Adam's steps have the size of the rate where gradients are no more than rounding, too.
    moved, apart = (weights(plain) - start).norm(), (weights(plain) - weights(graphed)).norm()
    assert apart < (0.1 if precision == "32-true" else 0.25) * moved


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU with CUDA")
def test_a_step_that_cannot_be_captured_runs_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    state = begun()
    step, start = Step(state, PHASE, said.append), weights(state)
    own = step.hybrid.forward

    def waits(fake: Tensor, sharp: Tensor) -> dict[str, Tensor]:
        terms = own(fake, sharp)
        return terms if terms["total"].item() else {}

    monkeypatch.setattr(step.hybrid, "forward", waits)
    for batch in batches(state, 2):
        step(*batch, 1e-3)
    assert not torch.equal(weights(state), start)
    assert len(said) == 1
    assert said[0].startswith("no CUDA graph here")


def test_the_rate_rises_falls_and_ends_by_steps_or_by_time() -> None:
    phase = PhaseConfig(steps=110, lr=1.0, lr_end=0.2, warmup=10)
    by_steps = TrainConfig(phases=(phase,))
    by_time = replace(by_steps, schedule="time")
    cosine = {0.0: 1.0, 0.25: 0.6 + 0.4 * math.cos(math.pi / 4), 0.5: 0.6, 1.0: 0.2}
    for config in (by_steps, by_time):
        assert [rate(config, phase, n, 0.7) for n in (0, 4, 9)] == pytest.approx([0.1, 0.5, 1.0])
        for done, wanted in cosine.items():
            assert rate(config, phase, 10 + round(100 * done), 0.0) == pytest.approx(wanted)
    for share, wanted in cosine.items():
        assert rate(by_steps, phase, 10, share) == 1.0
        assert rate(by_time, phase, 10, share) == pytest.approx(wanted)
        assert rate(by_time, phase, 35, share) == pytest.approx(min(wanted, cosine[0.25]))
    assert rate(by_time, phase, 10, 1.3) == pytest.approx(0.2)


def test_only_matrices_and_kernels_decay(pairs_dir: Path) -> None:
    config = tiny(pairs_dir, weight_decay=0.1, slow_prefixes=("head",))
    state = begun(config)
    names = {value: name for name, value in state.generator.named_parameters()}
    found = {(group["part"], group["weight_decay"]): {names[p] for p in group["params"]}
             for group in state.optimizer.param_groups}  # fmt: skip
    assert found[0.1, 0.1] == {"head.weight"}
    assert found[0.1, 0.0] == {"head.bias"}
    kinds = ("norm", "scale", "bias")
    decaying = {name for name in names.values() if not any(kind in name for kind in kinds)}
    assert found[1.0, 0.1] == decaying - {"head.weight"}
    assert sum(map(len, found.values())) == len(names)
    adam = begun(replace(config, optimizer="adam"))
    assert {group["weight_decay"] for group in adam.optimizer.param_groups} == {0.0}
