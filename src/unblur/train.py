"""The training loop."""

from __future__ import annotations

import json
import math
import os
import platform
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from unblur import __version__, checkpoint, photo, pytorch, together
from unblur import config as configs
from unblur.batches import TrainingData
from unblur.config import PhaseConfig, TrainConfig
from unblur.errors import UnblurError
from unblur.losses import HybridLoss, discriminator_loss, gradient_norms
from unblur.nets import Discriminator, vgg
from unblur.validation import Validator

if TYPE_CHECKING:
    from lightning.fabric import Fabric


class TrainError(UnblurError):
    """A run that cannot start or go on; the message is one line that says what to do."""


@dataclass
class Progress:
    """What a display shows of a run."""

    step: int
    steps: int
    images_per_second: float
    seconds_left: float
    wait: float
    """Share of the time that the networks waited for data."""
    losses: dict[str, float]
    psnr: float | None
    """Of the latest validation, in dB."""
    gain: float | None
    """Of the latest validation over the blurred images themselves, in dB."""
    checked: bool
    """Whether this step ended with a validation."""


@dataclass
class Result:
    """How a run ended."""

    out: Path
    step: int
    psnr: float | None
    """Best validation PSNR in dB."""
    reason: str


def train(
    config: TrainConfig,
    out: Path,
    *,
    init: Path | None = None,
    resume: bool = False,
    max_seconds: float = math.inf,
    max_steps: int | None = None,
    save_every: float = 60.0,
    processes: int = 1,
    report: Callable[[Progress], None] = lambda progress: None,
) -> Result:
    """Trains the config's generator and keeps everything in a run folder.

    The folder gets config.toml, log.jsonl (a line every ten steps and every check),
    last.safetensors and best.safetensors (averaged weights), state.pt (all that `resume` needs)
    and pictures/ (blurred, restored, sharp at every check). SIGINT, SIGTERM and the time limit
    end the run after the step at hand, with a checkpoint.

    Args:
        out: the run folder; to resume, one that has a state.
        init: weights to start from, with fresh optimisers.
        resume: whether to go on from `out`, bit for bit on a CPU.
        max_seconds: time limit of this call.
        max_steps: stop at this step, counted from the start of the run.
        save_every: seconds between two checkpoints.
        processes: that train together on a CPU, each with the phases' batch. Each one more is the
            program that calls, started again with its arguments; it ends inside this function.
        report: called after every step.

    Raises:
        TrainError: if the folder is taken, holds nothing to resume, or a loss is not finite.
        UnblurError: for several processes where there is a GPU, or one of which was killed.
        DataError, CheckpointError, ContentWeightsError: for unusable inputs.
    """
    began = time.monotonic()
    with together.only_first_fails():
        fabric = together.start(precision_of(config.precision), processes)
        run = _Run(config, out, fabric, init, resume)
        end = min(config.steps, max_steps if max_steps is not None else config.steps)
        reason = "all steps done" if end == config.steps else f"stopped at step {end}"
        saved = time.monotonic()
        with _stop_signals() as stop, run.data_ahead(end) as batches:
            for batch, wait in batches:
                losses = run.step(*batch)
                checked = run.at_step % config.check_every == 0 or run.at_step == config.steps
                if checked:
                    run.validate()
                report(run.progress(losses, wait, checked, end, max_seconds - _since(began)))
                run.log(losses, checked)
                ended = None
                if stop.is_set():
                    ended = "stopped by a signal"
                elif _since(began) >= max_seconds:
                    ended = "the time limit"
                elif config.patience and run.stale >= config.patience:
                    ended = f"no better validation in {config.patience} checks"
                # The clocks of several processes differ: the first one decides.
                ended, save = fabric.broadcast((ended, _since(saved) >= save_every))
                if ended:
                    reason = ended
                    break
                if save:
                    run.save()
                    saved = time.monotonic()
        run.save()
        if run.best is None and run.at_step:
            # So that every run has a best.safetensors.
            run.validate()
            run.save()
    if not together.is_first():
        raise SystemExit(0)
    return Result(out, run.at_step, run.best, reason)


class _Run:
    """Networks, optimisers, averages and counters of one run; one `state` is all of it."""

    def __init__(
        self,
        config: TrainConfig,
        out: Path,
        fabric: Fabric,
        init: Path | None,
        resume: bool,
    ) -> None:
        self.config, self.out, self.fabric = config, out, fabric
        self.state_file = out / "state.pt"
        if resume and not self.state_file.is_file():
            raise TrainError(f"{out}: nothing to resume, it has no state.pt")
        if not resume and out.exists() and any(out.iterdir()):
            raise TrainError(f"{out}: is not empty; --resume goes on with it, or name another")
        torch.manual_seed(config.seed + fabric.global_rank)
        device = fabric.device
        data = replace(config.data, cache_gib=config.data.cache_gib / fabric.world_size)
        self.data = TrainingData(data, config.blur, config.seed, device, fabric.global_rank)
        self.validator = Validator(self.data.validation())
        self.source: dict[str, Any] | None = None

        generator = checkpoint.build_generator(config)
        _require_parts(config, generator)
        if init is not None:
            weights, _, self.source = checkpoint.load_weights(init)
            checkpoint.load_into(generator, weights, init)
        _channels_last(generator)
        adversarial = any(phase.loss.adversarial for phase in config.phases)
        judge = Discriminator(config.discriminator.size, config.discriminator.widths)
        _channels_last(judge)
        self.raw = {"generator": generator, **({"discriminator": judge} if adversarial else {})}
        for net in self.raw.values():
            together.begin_alike(fabric, net.to(device))
        wrap: Any = torch.compile if config.compile else lambda net: net
        optimizer = _optimizer(config, generator)
        self.generator, self.optimizer = fabric.setup(wrap(generator), optimizer)
        self.ema = {k: v.detach().clone() for k, v in generator.state_dict().items()}
        self.judge = self.judge_optimizer = None
        if adversarial:
            # Adam's other values at their defaults, as the paper says.
            adam = torch.optim.Adam(judge.parameters(), config.discriminator.lr)
            self.judge, self.judge_optimizer = fabric.setup(wrap(judge), adam)
        content = {(p.loss.content_network, p.loss.content_weights)
                   for p in config.phases if p.loss.content}  # fmt: skip
        self.features = {key: vgg.load(*key).to(device) for key in content}

        self.at_step, self.best, self.stale = 0, None, 0
        self.psnr: float | None = None
        self.seconds, self.images = 0.0, 0
        self.began = time.monotonic()
        self.recent: list[tuple[float, int]] = []
        if resume:
            self._restore(torch.load(self.state_file, map_location=device, weights_only=False))
        self._write(self._begin_folder)

    def _begin_folder(self) -> None:
        self.out.mkdir(parents=True, exist_ok=True)
        checkpoint.write_whole(self.out / "config.toml", configs.dumps(self.config).encode())

    @contextmanager
    def data_ahead(self, end: int) -> Iterator[Iterator[tuple[tuple[Tensor, Tensor], float]]]:
        """Batches from the present step to `end`, each made while the one before is used.

        With each come the seconds that were spent waiting for it.
        """
        with ThreadPoolExecutor(1) as pool:

            def make(step: int) -> Future[tuple[Tensor, Tensor]]:
                phase, _ = self._phase(step)
                return pool.submit(self.data.batch, step, phase.crop, phase.batch)

            def batches() -> Iterator[tuple[tuple[Tensor, Tensor], float]]:
                ready = make(self.at_step) if self.at_step < end else None
                while ready is not None:
                    self.began = time.monotonic()
                    batch = together.in_all(self.fabric, ready.result)
                    wait = _since(self.began)
                    ready = make(self.at_step + 1) if self.at_step + 1 < end else None
                    yield batch, wait

            yield batches()

    def step(self, blurred: Tensor, sharp: Tensor) -> dict[str, float]:
        """The discriminator's steps, then one of the generator; every loss by name.

        The discriminator's steps all see this step's images, made once: five passes of the
        generator would cost more than they teach.
        """
        phase, done = self._phase(self.at_step)
        losses: dict[str, Tensor] = {}
        self.generator.train()
        if phase.frozen_norm:
            for layer in self.raw["generator"].modules():
                if isinstance(layer, nn.BatchNorm2d):
                    layer.eval()
        for group in self.optimizer.param_groups:
            group["lr"] = _rate(phase, done) * group["part"]
        for name, parameter in self.raw["generator"].named_parameters():
            parameter.requires_grad_(not phase.parts or name.startswith(phase.parts))
        with self.fabric.autocast():
            fake = self.generator(blurred)
        judge = self.judge if phase.loss.adversarial else None
        if judge is not None and self.judge_optimizer is not None:
            judge.train().requires_grad_(True)
            for _ in range(phase.discriminator_steps):
                scores = judge(sharp).float(), judge(fake.detach()).float()
                loss = discriminator_loss(*scores)
                self._finite({"discriminator": loss})
                self.judge_optimizer.zero_grad()
                self.fabric.backward(loss)
                together.average_gradients(self.fabric, judge)
                self.judge_optimizer.step()
                # Of the last step, before it: how sure it is, and whether its sigmoid saturates.
                real, fake_score = (score.detach().mean() for score in scores)
                losses |= {"discriminator": loss.detach(), "D(real)": real, "D(fake)": fake_score}
            judge.requires_grad_(False)
        features = self.features.get((phase.loss.content_network, phase.loss.content_weights))
        hybrid = HybridLoss(phase.loss, features, judge)
        terms = hybrid(fake, sharp)
        self._finite(terms)
        self.optimizer.zero_grad()
        if _falls_on(self.at_step + 1, self.config.watch_every):
            norms = gradient_norms(
                hybrid.weighted(terms), self.generator.parameters(), self.fabric.backward
            )
            losses |= {f"gradient of {name}": norm for name, norm in norms.items()}
        self.fabric.backward(terms["total"])
        together.average_gradients(self.fabric, self.raw["generator"])
        if self.config.clip:
            norm = self.fabric.clip_gradients(
                self.generator, self.optimizer, max_norm=self.config.clip, error_if_nonfinite=False
            )
            losses["gradient norm"] = norm.detach() if norm is not None else torch.zeros(())
        self.optimizer.step()
        self.at_step += 1
        self.images += len(blurred) * self.fabric.world_size
        self._average()
        spent = _since(self.began)
        self.seconds += spent
        self.recent = [*self.recent[-49:], (spent, len(blurred))]
        return {name: float(value.detach()) for name, value in {**terms, **losses}.items()}

    def validate(self) -> None:
        """PSNR of the averaged weights on the held-out images, and a picture of four of them."""
        if not self.validator.images:
            return
        shown = np.empty(0)
        if self.fabric.is_global_zero:
            net = checkpoint.build_generator(self.config)
            net.load_state_dict(self.ema)
            _channels_last(net.to(self.fabric.device).eval())
            self.psnr, shown = self.validator(net, net.multiple, self.fabric.autocast())
        self.psnr = psnr = self.fabric.broadcast(self.psnr)
        assert psnr is not None
        if self.best is None or psnr > self.best:
            self.best, self.stale = psnr, 0
            self._write(lambda: self._save_weights("best"))
        else:
            self.stale += 1
        picture = self.out / "pictures" / f"step-{self.at_step:07d}.jpg"
        self._write(lambda: photo.save(_jpeg(shown), picture, overwrite=True))

    def save(self) -> None:
        """last.safetensors and state.pt."""
        state = {
            "networks": {name: net.state_dict() for name, net in self.raw.items()},
            "optimizer": self.optimizer.state_dict(),
            "judge_optimizer": self.judge_optimizer and self.judge_optimizer.state_dict(),
            "ema": self.ema,
            "rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state_all(),
            "source": self.source,
            **{name: getattr(self, name) for name in _COUNTERS},
        }
        self._write(lambda: self._save_weights("last"))
        self._write(lambda: checkpoint.write_whole(self.state_file, state))

    def log(self, losses: dict[str, float], checked: bool) -> None:
        """A line of log.jsonl every ten steps, at every check and for every step watched."""
        if not checked and not any(
            _falls_on(self.at_step, every) for every in (10, self.config.watch_every)
        ):
            return
        line = {"step": self.at_step, "seconds": round(self.seconds, 2), **losses}
        if checked:
            line |= {"psnr": self.psnr, "gain": self.gain}

        def write() -> None:
            with (self.out / "log.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")

        self._write(write)

    def progress(
        self, losses: dict[str, float], wait: float, checked: bool, end: int, time_left: float
    ) -> Progress:
        spent = sum(s for s, _ in self.recent)
        rate = sum(n for _, n in self.recent) * self.fabric.world_size / spent
        left = min(spent / len(self.recent) * (end - self.at_step), time_left)
        share = wait / self.recent[-1][0]
        return Progress(self.at_step, end, rate, left, share, losses, self.psnr, self.gain, checked)

    @property
    def gain(self) -> float | None:
        """Of the latest validation, over the blurred images themselves, in dB."""
        return None if self.psnr is None else self.psnr - self.validator.blurred_psnr

    def _phase(self, step: int) -> tuple[PhaseConfig, int]:
        """The phase of a step, and the steps done in it."""
        for phase in self.config.phases:
            if step < phase.steps:
                return phase, step
            step -= phase.steps
        return self.config.phases[-1], self.config.phases[-1].steps

    def _finite(self, losses: dict[str, Tensor]) -> None:
        def check() -> None:
            for name, value in losses.items():
                if not bool(torch.isfinite(value)):
                    raise TrainError(
                        f"step {self.at_step + 1}: the {name} loss is {value.item()}; the "
                        f"checkpoint before it is kept in {self.out}. Lower lr, or set clip, and "
                        "--resume"
                    )

        together.in_all(self.fabric, check)

    @torch.no_grad()
    def _average(self) -> None:
        # The average starts short, or the first weights would weigh on it for long.
        decay = min(self.config.ema, (1 + self.at_step) / (10 + self.at_step))
        for name, value in self.raw["generator"].state_dict().items():
            if value.is_floating_point() and self.config.ema:
                self.ema[name].lerp_(value, 1 - decay)
            else:
                self.ema[name].copy_(value)

    def _save_weights(self, name: str) -> None:
        facts = {
            "unblur": __version__,
            "step": self.at_step,
            "images": self.images,
            "minutes": round(self.seconds / 60, 1),
            "hardware": _hardware(self.fabric),
            "data": [Path(d).name for d in self.config.data.dirs],
            "content_networks": sorted({net.name for net in self.features.values()}),
            "validation_psnr": self.psnr,
            "validation_gain": self.gain,
            "started_from": self.source,
        }
        config = configs.without_paths(self.config)
        checkpoint.save_weights(self.out / f"{name}.safetensors", self.ema, config, facts)

    def _restore(self, state: dict[str, Any]) -> None:
        for name, net in self.raw.items():
            net.load_state_dict(state["networks"][name])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.judge_optimizer is not None:
            self.judge_optimizer.load_state_dict(state["judge_optimizer"])
        self.ema, self.source = state["ema"], state["source"]
        torch.set_rng_state(state["rng"].cpu())
        torch.cuda.set_rng_state_all(state["cuda_rng"])
        for name in _COUNTERS:
            setattr(self, name, state[name])

    def _write(self, write: Callable[[], None]) -> None:
        def first() -> None:
            try:
                if self.fabric.is_global_zero:
                    write()
            except OSError as error:
                raise TrainError(f"{self.out}: cannot be written ({error.strerror})") from None

        together.in_all(self.fabric, first)


_COUNTERS = ("at_step", "best", "stale", "psnr", "seconds", "images")


def _require_parts(config: TrainConfig, net: nn.Module) -> None:
    names = [name for name, _ in net.named_parameters()]
    for part in [*config.slow_parts, *(part for phase in config.phases for part in phase.parts)]:
        if not any(name.startswith(part) for name in names):
            raise TrainError(
                f"parts: no parameter of the generator begins with {part!r}; one is {names[-1]}"
            )


def _channels_last(net: Any) -> None:
    net.to(memory_format=torch.channels_last)


def _falls_on(step: int, every: int) -> bool:
    return every > 0 and step % every == 0


def _rate(phase: PhaseConfig, done: int) -> float:
    """Linear warm-up, then half a cosine from lr to lr_end."""
    if done < phase.warmup:
        return phase.lr * (done + 1) / phase.warmup
    part = (done - phase.warmup) / max(1, phase.steps - phase.warmup)
    return phase.lr_end + (phase.lr - phase.lr_end) * (1 + math.cos(math.pi * part)) / 2


def _optimizer(config: TrainConfig, net: nn.Module) -> torch.optim.Optimizer:
    b1, b2 = config.betas
    named = [*net.named_parameters()]
    slow = [value for name, value in named if name.startswith(config.slow_parts)]
    others = [value for name, value in named if not name.startswith(config.slow_parts)]
    groups = [{"params": others, "part": 1.0}, {"params": slow, "part": config.slow}]
    groups = [group for group in groups if group["params"]]
    if config.optimizer == "adam":
        return torch.optim.Adam(groups, betas=(b1, b2))
    return torch.optim.AdamW(groups, betas=(b1, b2), weight_decay=config.weight_decay)


def precision_of(wanted: str) -> Any:
    """Fabric's name of a config's precision; "auto" depends on the hardware."""
    if wanted != "auto":
        return wanted
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return "bf16-mixed" if pytorch.has_bf16(device) else "32-true"


def _hardware(fabric: Fabric) -> str:
    if fabric.device.type == "cuda":
        return f"{fabric.world_size} x {torch.cuda.get_device_name()}"
    return f"{os.cpu_count()} CPU cores ({platform.machine()})"


def _jpeg(pixels: np.ndarray) -> bytes:
    import pyvips

    image: Any = pyvips.Image.new_from_array(pixels)
    return image.jpegsave_buffer(Q=92)


def _since(moment: float) -> float:
    return time.monotonic() - moment


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set; a second SIGINT interrupts at once."""
    stop = threading.Event()

    def handle(number: int, frame: object) -> None:
        stop.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
