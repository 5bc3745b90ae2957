"""What a run has learned and where it stands."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from unblur import torch_engine
from unblur.errors import TrainError
from unblur.nets import Discriminator, Generator, checkpoint, vgg
from unblur.training import distributed
from unblur.training.config import PhaseConfig, TrainConfig

if TYPE_CHECKING:
    from lightning.fabric import Fabric


@dataclass
class Counters:
    """Where a run stands."""

    step: int = 0
    """Generator steps done."""
    crops: int = 0
    """Crops seen, by all processes."""
    seconds: float = 0.0
    """Since the start, times between two calls left out."""
    deadline: float = math.inf
    """Where `schedule = "time"`: the seconds at which the rate has come to its end."""
    psnr: float | None = None
    """Of the latest validation, in dB."""
    gain: float | None = None
    """Of it over the blurred images themselves, in dB."""
    best: float | None = None
    stale: int = 0
    """Validations since the best."""
    source: dict[str, Any] | None = None
    """Provenance of the weights that the run began with."""


class State:
    """Networks, optimisers, averaged weights and counters of a run.

    Args:
        config: of the run.
        fabric: the processes that train together.
        init: weights to begin with.

    Raises:
        TrainError: if the config names parts that the generator does not have.
        CheckpointError, ContentWeightsError: for unusable inputs.
    """

    def __init__(self, config: TrainConfig, fabric: Fabric, init: Path | None = None) -> None:
        self.config, self.fabric, self.device = config, fabric, fabric.device
        self.at = Counters()
        self.half = bf16(config, self.device)
        self.generator = checkpoint.build_generator(config)
        if init is not None:
            weights, _, self.at.source = checkpoint.load_weights(init)
            checkpoint.load_into(self.generator, weights, init)
        self.judge: nn.Module | None = None
        if any(phase.loss.adversarial for phase in config.phases):
            self.judge = Discriminator(config.discriminator.size, config.discriminator.widths)
        for net in self.networks:
            layout: Any = {"device": self.device, "memory_format": torch.channels_last}
            distributed.begin_alike(fabric, net.to(**layout))
        self.ema = {k: v.detach().clone() for k, v in self.generator.state_dict().items()}
        self.optimizer = _optimizer(config, self.generator)
        # Adam's other values at their defaults, as the paper says.
        self.judge_optimizer = (
            torch.optim.Adam(self.judge.parameters(), config.discriminator.lr)
            if self.judge is not None
            else None
        )
        content = {(p.loss.content_network, p.loss.content_weights)
                   for p in config.phases if p.loss.content}  # fmt: skip
        self.features = {key: vgg.load(*key).to(self.device) for key in content}

    @property
    def networks(self) -> list[nn.Module]:
        """Those that learn."""
        return [net for net in (self.generator, self.judge) if net is not None]

    def autocast(self) -> torch.autocast:
        # Its cache keeps casts of one capture alive into the next, and nothing here is cast twice.
        return torch.autocast(
            self.device.type, torch.bfloat16, enabled=self.half, cache_enabled=False
        )

    def score(self, images: Tensor) -> Tensor:
        """The discriminator's."""
        assert self.judge is not None
        with self.autocast():
            return self.judge(images).float()

    @torch.no_grad()
    def average(self) -> None:
        """Draws the averaged weights towards the generator's own."""
        # The average starts short, or the first weights would weigh on it for long.
        decay = min(self.config.ema, (1 + self.at.step) / (10 + self.at.step))
        own = self.generator.state_dict()
        moving = [name for name in own if own[name].is_floating_point()]
        ema = self.ema
        torch._foreach_lerp_(  # pyright: ignore[reportPrivateImportUsage]
            [ema[n] for n in moving], [own[n] for n in moving], 1 - decay
        )
        for name in own.keys() - moving:
            ema[name].copy_(own[name])

    def averaged(self) -> Generator:
        """A generator of the averaged weights, in evaluation mode."""
        net = checkpoint.build_generator(self.config)
        net.load_state_dict(self.ema)
        layout: Any = {"device": self.device, "memory_format": torch.channels_last}
        return net.to(**layout).eval()

    def set_rate(self, rate: float) -> None:
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate * group["part"])
            else:
                group["lr"] = rate * group["part"]

    def state_dict(self) -> dict[str, Any]:
        """All that going on with the run needs."""
        return {
            "generator": self.generator.state_dict(),
            "discriminator": self.judge and self.judge.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "discriminator_optimizer": self.judge_optimizer and self.judge_optimizer.state_dict(),
            "ema": self.ema,
            "at": asdict(self.at),
            "rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state_all(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.generator.load_state_dict(state["generator"])
        # How the optimiser computes is this device's matter, not that of the one that saved.
        for own, saved in zip(
            self.optimizer.param_groups, state["optimizer"]["param_groups"], strict=True
        ):
            saved |= {key: own[key] for key in ("lr", "fused", "capturable")}
        self.optimizer.load_state_dict(state["optimizer"])
        if self.judge is not None and self.judge_optimizer is not None:
            self.judge.load_state_dict(state["discriminator"])
            self.judge_optimizer.load_state_dict(state["discriminator_optimizer"])
        self.ema = state["ema"]
        self.at = Counters(**state["at"])
        torch.set_rng_state(state["rng"].cpu())
        torch.cuda.set_rng_state_all([rng.cpu() for rng in state["cuda_rng"]])

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        """What is learned inside is forgotten; optimisers that were empty are left with zeros."""
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
        optimizers = [o for o in (self.optimizer, self.judge_optimizer) if o is not None]
        return [
            *(value for net in self.networks for value in net.state_dict().values()),
            *(v for o in optimizers for values in o.state.values() for v in values.values()),
        ]


def rate(config: TrainConfig, phase: PhaseConfig, done: int, time_share: float) -> float:
    """The learning rate: a linear warm-up, then half a cosine from `lr` to `lr_end`.

    Args:
        done: steps of the phase that are done.
        time_share: of the run's time, from 0 to 1; counts where the schedule is "time".
    """
    if done < phase.warmup:
        return phase.lr * (done + 1) / phase.warmup
    part = (done - phase.warmup) / max(1, phase.steps - phase.warmup)
    if config.schedule == "time":
        part = max(part, min(time_share, 1.0))
    return phase.lr_end + (phase.lr - phase.lr_end) * (1 + math.cos(math.pi * part)) / 2


def bf16(config: TrainConfig, device: torch.device) -> bool:
    """Whether the networks compute in bf16; "auto" depends on the hardware."""
    if config.precision == "auto":
        return torch_engine.has_bf16(device)
    return config.precision == "bf16-mixed"


def _optimizer(config: TrainConfig, net: nn.Module) -> torch.optim.Optimizer:
    """In up to four groups: what is slow or not ("part" of the rate), what decays or not."""
    named = [*net.named_parameters()]
    for part in config.slow_parts:
        if not any(name.startswith(part) for name, _ in named):
            raise TrainError(
                f"slow_parts: no parameter of the generator begins with {part!r}; one is "
                f"{named[-1][0]}"
            )
    adam = config.optimizer == "adam"
    device = named[0][1].device
    fast = device.type == "cuda"
    groups: dict[tuple[float, float], dict[str, Any]] = {}
    for name, value in named:
        part = config.slow if name.startswith(config.slow_parts) else 1.0
        # Norms, biases and scales are one number a channel.
        decay = config.weight_decay if value.squeeze().ndim > 1 and not adam else 0.0
        # A graph reads the rate where it was when it was captured.
        rate = torch.tensor(0.0, device=device) if fast else 0.0
        group = {"params": [], "part": part, "weight_decay": decay, "lr": rate}
        groups.setdefault((part, decay), group)["params"].append(value)
    kind = torch.optim.Adam if adam else torch.optim.AdamW
    b1, b2 = config.betas
    return kind([*groups.values()], betas=(b1, b2), fused=fast or None, capturable=fast)
