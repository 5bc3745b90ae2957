"""The state of a run: networks, optimisers, averaged weights and counters."""

from __future__ import annotations

import io
import math
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from unblur import __version__
from unblur.nets import Discriminator, Generator, build_generator, checkpoint, vgg
from unblur.torch_engine.network import has_bf16
from unblur.training import distributed
from unblur.training.config import TrainConfig
from unblur.training.optimizer import build_optimizer


@dataclass
class Counters:
    """How far a run has come."""

    step: int = 0
    """Generator steps done."""
    crops: int = 0
    """Crops seen, by all ranks."""
    seconds: float = 0.0
    """Training time, without the pauses between a stop and a resumption."""
    deadline: float = math.inf
    """With `schedule = "time"`: the training time at which the rate reaches its end."""
    psnr: float | None = None
    """PSNR of the latest validation, in dB."""
    gain: float | None = None
    """That PSNR minus the blurred images' own, in dB."""
    best: float | None = None
    """Highest PSNR of a validation, in dB."""
    stale: int = 0
    """Validations since the best."""
    source: dict[str, Any] | None = None
    """Provenance of the initial weights."""


class State:
    """Everything that training changes; a run resumes from its `state_dict`.

    Args:
        init: a checkpoint with initial weights for the generator.

    Raises:
        TrainError: if a name in `slow_prefixes` fits no parameter of the generator.
        CheckpointError, ContentWeightsError: for unusable inputs.
    """

    def __init__(self, config: TrainConfig, device: torch.device, init: Path | None = None) -> None:
        self.config: TrainConfig = config
        self.device: torch.device = device
        self.at: Counters = Counters()
        self.half: bool = bf16(config, device)
        self._layout: Any = {"device": device, "memory_format": torch.channels_last}
        self.generator: Generator = build_generator(config.network)
        if init is not None:
            weights, _, self.at.source = checkpoint.load_weights(init)
            checkpoint.load_into(self.generator, weights, init)
        self.discriminator: nn.Module | None = None
        if any(phase.loss.adversarial for phase in config.phases):
            self.discriminator = Discriminator(config.discriminator)
        for net in self.networks:
            net.to(**self._layout)
        self.ema: dict[str, Any] = {
            k: v.detach().clone() for k, v in self.generator.state_dict().items()
        }
        self.optimizer: torch.optim.Optimizer = build_optimizer(config, self.generator)
        # Adam's other values at their defaults, as the paper says.
        self.discriminator_optimizer: torch.optim.Adam | None = (
            torch.optim.Adam(self.discriminator.parameters(), config.discriminator.lr)
            if self.discriminator is not None
            else None
        )
        content = {(p.loss.content_network, p.loss.content_weights)
                   for p in config.phases if p.loss.content}  # fmt: skip
        self.features: dict[tuple[str, str], vgg.VGGFeatures] = {
            key: vgg.load(*key).to(device) for key in content
        }

    @property
    def networks(self) -> list[nn.Module]:
        """The networks that are trained."""
        return [net for net in (self.generator, self.discriminator) if net is not None]

    def autocast(self) -> torch.autocast:
        # Its cache would keep casts of one capture for the next; nothing here is cast twice.
        return torch.autocast(
            self.device.type, torch.bfloat16, enabled=self.half, cache_enabled=False
        )

    def score(self, images: Tensor) -> Tensor:
        """The discriminator's scores of images, float32."""
        assert self.discriminator is not None
        with self.autocast():
            return self.discriminator(images).float()

    @torch.no_grad()
    def average(self) -> None:
        """Updates the averaged weights with the generator's."""
        # A short average at first: the initial weights soon have no part in it.
        decay = min(self.config.ema, (1 + self.at.step) / (10 + self.at.step))
        own, ema = self.generator.state_dict(), self.ema
        moving = [name for name in own if own[name].is_floating_point()]
        torch._foreach_lerp_(  # pyright: ignore[reportPrivateImportUsage]
            [ema[n] for n in moving], [own[n] for n in moving], 1 - decay
        )
        for name in own.keys() - moving:
            ema[name].copy_(own[name])

    def averaged(self) -> Generator:
        """A generator of the averaged weights, in evaluation mode."""
        net = build_generator(self.config.network)
        net.load_state_dict(self.ema)
        return net.to(**self._layout).eval()

    def provenance(self) -> dict[str, Any]:
        """What is published with the weights, JSON-able."""
        at = self.at
        return {
            "unblur": __version__,
            "step": at.step,
            "crops": at.crops,
            "minutes": round(at.seconds / 60, 1),
            "hardware": _hardware(self.device),
            "data": [Path(d).name for d in self.config.data.dirs],
            "content_networks": sorted({net.name for net in self.features.values()}),
            "validation_psnr": at.psnr,
            "validation_gain": at.gain,
            "started_from": at.source,
        }

    def state_dict(self) -> dict[str, Any]:
        """Everything that resuming needs."""
        return {
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator and self.discriminator.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "discriminator_optimizer": (
                self.discriminator_optimizer and self.discriminator_optimizer.state_dict()
            ),
            "ema": self.ema,
            "at": asdict(self.at),
            "rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state_all(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.generator.load_state_dict(state["generator"])
        # These say how this device computes, not how the one did that saved the state.
        for own, saved in zip(
            self.optimizer.param_groups, state["optimizer"]["param_groups"], strict=True
        ):
            saved |= {key: own[key] for key in ("lr", "fused", "capturable")}
        self.optimizer.load_state_dict(state["optimizer"])
        if self.discriminator is not None and self.discriminator_optimizer is not None:
            self.discriminator.load_state_dict(state["discriminator"])
            self.discriminator_optimizer.load_state_dict(state["discriminator_optimizer"])
        self.ema = state["ema"]
        self.at = Counters(**state["at"])
        torch.set_rng_state(state["rng"].cpu())
        # The machine that saved it may have had more GPUs.
        own = torch.cuda.device_count()
        torch.cuda.set_rng_state_all([rng.cpu() for rng in state["cuda_rng"][:own]])

    def share(self) -> None:
        """Copies rank zero's state to all ranks, of which each keeps random numbers of its own."""
        if distributed.world_size() == 1:
            return
        file = io.BytesIO()
        if distributed.is_rank_zero():
            torch.save(self.state_dict(), file)
        saved = distributed.broadcast(file.getvalue())
        if not distributed.is_rank_zero():
            self.load_state_dict(torch.load(io.BytesIO(saved), self.device, weights_only=False))
            own = [self.config.seed, distributed.rank(), self.at.step]
            torch.manual_seed(int(np.random.SeedSequence(own).generate_state(1)[0]))

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        """Undoes on leaving all that is learned inside; empty optimisers are left with zeros."""
        before = [value.clone() for value in self._tensors()]
        own = [self.device] if self.device.type == "cuda" else []
        try:
            with torch.random.fork_rng(own):
                yield
        finally:
            for net in self.networks:
                net.zero_grad()
            with torch.no_grad():
                for value, old in zip_longest(self._tensors(), before):
                    value.zero_() if old is None else value.copy_(old)

    def _tensors(self) -> list[Tensor]:
        optimizers = [o for o in (self.optimizer, self.discriminator_optimizer) if o is not None]
        return [
            *(value for net in self.networks for value in net.state_dict().values()),
            *(v for o in optimizers for values in o.state.values() for v in values.values()),
        ]


def bf16(config: TrainConfig, device: torch.device) -> bool:
    """Whether the networks compute in bf16; "auto": where the hardware does so natively."""
    if config.precision == "auto":
        return has_bf16(device)
    return config.precision == "bf16-mixed"


def _hardware(device: torch.device) -> str:
    if device.type == "cuda":
        return f"{distributed.world_size()} x {torch.cuda.get_device_name()}"
    return f"{os.cpu_count()} CPU cores ({platform.machine()})"
