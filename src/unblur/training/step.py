"""A training step: the discriminator's steps, then the generator's; on a GPU one CUDA graph."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn

from unblur.losses import HybridLoss, discriminator_loss, gradient_norms
from unblur.nets.gated_unet import GatedBlock
from unblur.training import distributed
from unblur.training.config import PhaseConfig
from unblur.training.optimizer import set_rate
from unblur.training.state import State

Losses = dict[str, Tensor]


class Step:
    """The training step of a phase; nothing in it waits for the device.

    On a GPU it is rehearsed at once, to compile blocks and choose kernels, and what was learned is
    undone. The first call captures the graph.

    Args:
        say: called with a line if a GPU cannot compile or capture; the step then runs as on a CPU.
    """

    def __init__(self, state: State, phase: PhaseConfig, say: Callable[[str], None]) -> None:
        self.state: State = state
        self.phase: PhaseConfig = phase
        self.say: Callable[[str], None] = say
        self.adversarial: bool = bool(phase.loss.adversarial)
        self.hybrid: HybridLoss = HybridLoss(
            phase.loss,
            state.features.get((phase.loss.content_network, phase.loss.content_weights)),
            state.score if self.adversarial else None,
        )
        state.generator.train()
        if phase.frozen_norm:
            for layer in state.generator.modules():
                if isinstance(layer, nn.BatchNorm2d):
                    layer.eval()
        config, cuda = state.config, state.device.type == "cuda"
        self._graph: torch.cuda.CUDAGraph | None = None
        alone = distributed.world_size() == 1
        self._captures = cuda and config.graph and alone and not self.adversarial
        if config.compile == "on" or (config.compile == "auto" and cuda):
            # Crops of another size need other kernels, whose number is limited.
            torch.compiler.reset()
            compile_network(state.generator, whole=config.compile == "on")
        if cuda:
            shape = (2, phase.batch, 3, phase.crop, phase.crop)
            zeros = torch.zeros(shape, device=state.device)
            blurred, sharp = (x.contiguous(memory_format=torch.channels_last) for x in zeros)
            self._images = blurred, sharp
            self._stream = torch.cuda.Stream()
            self._rehearse()

    def __call__(self, blurred: Tensor, sharp: Tensor, rate: float, watch: bool = False) -> Losses:
        """Trains on a batch; every loss by name, on the device, valid until the next call.

        Args:
            rate: the generator's learning rate.
            watch: whether to add the norm of each term's gradient.
        """
        set_rate(self.state.optimizer, rate)
        if self._captures:
            self._capture()
        if self._graph is None or watch:
            return self.plain(blurred, sharp, watch)
        for own, given in zip(self._images, (blurred, sharp), strict=True):
            own.copy_(given)
        self._graph.replay()
        return self._losses

    def plain(self, blurred: Tensor, sharp: Tensor, watch: bool = False) -> Losses:
        """The step without a graph; the discriminator's steps share one pass of the generator."""
        state, losses = self.state, {}
        with state.autocast():
            fake = state.generator(blurred)
        for _ in range(self.phase.discriminator_steps if self.adversarial else 0):
            losses = discriminator_step(state, sharp, fake.detach())
        losses |= generator_step(state, self.hybrid, fake, sharp, watch)
        return {name: value.detach() for name, value in losses.items()}

    def _rehearse(self) -> None:
        here = torch.cuda.current_stream()
        self._stream.wait_stream(here)
        torch.backends.cudnn.benchmark = True  # chooses the kernels that the capture takes
        try:
            with torch.cuda.stream(self._stream), self.state.rehearsal(), warnings.catch_warnings():
                # PyTorch warns of a capturable optimiser whose step is not captured.
                warnings.filterwarnings("ignore", ".*capturable=True")
                for _ in range(3):
                    self.plain(*self._images)
        except RuntimeError as error:
            if not undo_compile(self.state.generator):
                raise
            self.say(f"the blocks do not compile here and train slowly ({_short(error)})")
            self._rehearse()
        finally:
            torch.backends.cudnn.benchmark = False
        here.wait_stream(self._stream)

    def _capture(self) -> None:
        self._captures = False
        here, graph = torch.cuda.current_stream(), torch.cuda.CUDAGraph()
        self._stream.wait_stream(here)
        # Gradients are allocated anew, in the graph's own memory.
        self.state.optimizer.zero_grad()
        try:
            with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
                self._losses = self.plain(*self._images)
            self._graph = graph
        except RuntimeError as error:
            # A failed capture leaves its stream current.
            torch.cuda.set_stream(here)
            self.state.optimizer.zero_grad()
            self.say(f"no CUDA graph here, kernels are launched one by one ({_short(error)})")


def discriminator_step(state: State, sharp: Tensor, fake: Tensor) -> Losses:
    """Trains the discriminator to tell sharp images from the generator's."""
    net, optimizer = state.discriminator, state.discriminator_optimizer
    assert net is not None
    assert optimizer is not None
    net.train().requires_grad_(True)
    real_score, fake_score = state.score(sharp), state.score(fake)
    loss = discriminator_loss(real_score, fake_score)
    optimizer.zero_grad()
    loss.backward()
    distributed.average_gradients(net)
    optimizer.step()
    net.requires_grad_(False)
    # The scores, from before this step, show how sure it is and whether its sigmoid saturates.
    return {"discriminator": loss, "D(real)": real_score.mean(), "D(fake)": fake_score.mean()}


def generator_step(
    state: State, hybrid: HybridLoss, fake: Tensor, sharp: Tensor, watch: bool
) -> Losses:
    """Trains the generator on the loss between its images and the sharp ones."""
    terms = hybrid(fake, sharp)
    losses, parameters = dict(terms), [*state.generator.parameters()]
    state.optimizer.zero_grad()
    if watch:
        norms = gradient_norms(hybrid.weighted(terms), parameters)
        losses |= {f"gradient of {name}": norm for name, norm in norms.items()}
    terms["total"].backward()
    distributed.average_gradients(state.generator)
    if state.config.clip:
        losses["gradient norm"] = nn.utils.clip_grad_norm_(parameters, state.config.clip)
    state.optimizer.step()
    return losses


def compile_network(net: nn.Module, whole: bool, backend: Any = "inductor") -> None:
    """Compiles the gated blocks of a network, or the whole of a network without any.

    All blocks share one function, compiled once for each shape of block: weights are inputs. Their
    inputs are brought into one memory layout, since each is compiled separately; on a GPU
    PixelShuffle's output has another one.

    Args:
        whole: whether to compile a network without gated blocks.
    """
    compiled = torch.compile(GatedBlock.forward, dynamic=False, fullgraph=True, backend=backend)

    def forward(block: GatedBlock, x: Tensor) -> Tensor:
        return compiled(block, x.contiguous(memory_format=torch.channels_last))

    blocks = [module for module in net.modules() if isinstance(module, GatedBlock)]
    for block in blocks:
        block.forward = MethodType(forward, block)
    if whole and not blocks:
        net.compile(backend=backend)


def undo_compile(net: nn.Module) -> bool:
    """Undoes `compile_network`; whether there was something to undo."""
    found = False
    for module in net.modules():
        found |= module.__dict__.pop("forward", None) is not None
        found |= module._compiled_call_impl is not None
        module._compiled_call_impl = None
    return found


def _short(error: Exception) -> str:
    """The first two lines as one: the compiler's name is in the first."""
    return " ".join(str(error).split("\n")[:2])[:300]
