"""What a training run is made of, as frozen dataclasses, read from TOML and written to it."""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
import typing
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from unblur.blur.config import BlurConfig
from unblur.errors import ConfigError
from unblur.losses import LossConfig
from unblur.nets.deblurgan import DeblurGANConfig
from unblur.nets.gated_unet import GatedUNetConfig
from unblur.nets.paper import DiscriminatorConfig, PaperConfig


@dataclass(frozen=True)
class DataConfig:
    """What the network is fed."""

    dirs: tuple[str, ...] = ()
    """Folders of pairs or of sharp photos; `--data` replaces them."""
    val_dirs: tuple[str, ...] = ()
    """Folders of pairs to validate on; without any, pairs and photos held out of `dirs`."""
    blur_folder: Literal["blur", "blur_gamma"] = "blur"
    """Which of GoPro's two blurs, averaged without or with its response curve."""
    resize: int = 0
    """Side of the square to which whole pairs and photos are resized by area before anything else,
    in pixels (the paper's way: 256); 0: they keep their size. Photos keep the margin, beyond it,
    that their camera sweeps over."""
    min_scale: float = 1.0
    """Pictures are drawn at their own size and at 0.71, 0.5, 0.35, ... of it, each as often as the
    others, down to this scale and as long as a crop fits in."""
    augment: bool = True
    """Random flips and turns, the same for both images."""
    quarter_turns: bool = True
    """Whether they are turned by a quarter too, not by a half alone. What `resize` squeezed, it
    squeezed along the longer side: a quarter turn makes what no resized frame looks like."""
    candidates: int = 1
    """Crops drawn for each sample, of which the one is kept whose two images differ most: sky and
    walls show no blur, and teach nothing of it."""
    pair_share: float = 0.3
    """Where there are pairs and photos: the share of samples from pairs."""
    hold_out_every: int = 13
    """Every so many-th pair and photo, by sorted name, is kept for validation, one at least where
    there are two; 0: none."""
    val_images: int = 8
    """Validation images at most, spread evenly over those at hand."""
    gpu_gib: float = 16.0
    """Memory of each GPU for decoded pictures, never more than half of what is free there."""
    cache_gib: float = 6.0
    """Memory for those that are on no GPU; what does not fit is decoded anew each time."""


@dataclass(frozen=True)
class PhaseConfig:
    """A stretch of training with one loss and one crop size."""

    steps: int
    """Generator steps."""
    crop: int = 256
    """Side of the square crops, in pixels."""
    batch: int = 1
    """Crops per step."""
    lr: float = 1e-4
    """Learning rate at the phase's start (after `warmup`)."""
    lr_end: float = 1e-4
    """Learning rate at the phase's end, reached along half a cosine."""
    warmup: int = 0
    """Steps over which the rate rises from 0."""
    discriminator_steps: int = 5
    """Discriminator steps for each generator step, where the adversarial weight is not 0."""
    frozen_norm: bool = False
    """Batch norm takes the statistics averaged before, as at inference, and leaves them as they
    are: for crops of another size or number than theirs, and to end with the network that is used.
    """
    loss: LossConfig = field(default_factory=LossConfig)


@dataclass(frozen=True)
class TrainConfig:
    """One training run, from the first step to the last."""

    phases: tuple[PhaseConfig, ...]
    generator: Literal["gated-unet", "paper", "deblurgan"] = "gated-unet"
    gated_unet: GatedUNetConfig = field(default_factory=GatedUNetConfig)
    paper: PaperConfig = field(default_factory=PaperConfig)
    deblurgan: DeblurGANConfig = field(default_factory=DeblurGANConfig)
    discriminator: DiscriminatorConfig = field(default_factory=DiscriminatorConfig)
    data: DataConfig = field(default_factory=DataConfig)
    blur: BlurConfig = field(default_factory=BlurConfig)
    seed: int = 0
    precision: Literal["auto", "32-true", "bf16-mixed"] = "auto"
    """auto: bf16 where the hardware computes in it natively."""
    compile: Literal["auto", "on", "off"] = "auto"
    """What torch.compile takes. auto: the gated U-Net's blocks, where there is a GPU; on: those,
    or whole networks where there are none, also on a CPU."""
    graph: bool = True
    """Whether a GPU that trains alone replays its steps as one CUDA graph, in phases without a
    discriminator."""
    schedule: Literal["steps", "time"] = "steps"
    """What takes the rate from `lr` to `lr_end`. time: in a run of one phase with `--max-time`,
    the larger of the shares of steps and of time that are done."""
    optimizer: Literal["adam", "adamw"] = "adamw"
    betas: tuple[float, ...] = (0.9, 0.9)
    weight_decay: float = 0.0
    """AdamW's; on matrices and kernels alone, not on what is one number a channel."""
    slow_parts: tuple[str, ...] = ()
    """What learns at the rate times `slow`, as beginnings of the parameters' names."""
    slow: float = 0.1
    clip: float = 0.0
    """Largest norm of the generator's gradient; 0: not clipped."""
    ema: float = 0.999
    """Decay of the averaged weights, which are what is validated and kept; 0: no average."""
    check_every: int = 500
    """Generator steps between two validations."""
    log_every: int = 10
    """Generator steps between two lines of the log, which tell the means of the losses. Between
    them nobody waits for a GPU's results."""
    patience: int = 0
    """Checks without a better validation PSNR before the run ends; 0: never."""
    watch_every: int = 0
    """Generator steps between two lines of the log that tell the norm of each loss term's
    gradient, at one more backward pass a term; 0: none does."""

    def __post_init__(self) -> None:
        if not self.phases:
            raise ConfigError("a config needs at least one [[phases]] table with its steps")
        if self.schedule == "time" and len(self.phases) > 1:
            raise ConfigError('schedule = "time" is for a run of one phase')
        for phase in self.phases:
            if phase.loss.adversarial and phase.crop != self.discriminator.size:
                raise ConfigError(
                    f"a phase with an adversarial weight needs crop = discriminator.size "
                    f"({self.discriminator.size}), not {phase.crop}"
                )

    @property
    def steps(self) -> int:
        """Generator steps of all phases."""
        return sum(phase.steps for phase in self.phases)

    def phase_at(self, step: int) -> tuple[PhaseConfig, int]:
        """The phase of a step, counted from 0, and the steps done in it before."""
        for phase in self.phases:
            if step < phase.steps:
                return phase, step
            step -= phase.steps
        return self.phases[-1], self.phases[-1].steps


def load(path: Path) -> TrainConfig:
    """Reads a TOML file.

    Raises:
        ConfigError: if the file is missing or not TOML, a key is unknown, or a value has the
            wrong type.
    """
    try:
        text = path.read_text(encoding="utf-8")
        return loads(text)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ConfigError) as error:
        raise ConfigError(f"{path}: {error}") from None


def loads(text: str) -> TrainConfig:
    """Reads TOML text; raises as `load`, and tomllib.TOMLDecodeError for what is not TOML."""
    return _build(TrainConfig, tomllib.loads(text), "")


def dumps(config: TrainConfig) -> str:
    """TOML text with every value, which `loads` turns back into an equal config."""
    import tomli_w

    return tomli_w.dumps(dataclasses.asdict(config))


def override(
    config: TrainConfig, data: Sequence[Path | str] | None, content_weights: Path | None
) -> TrainConfig:
    """The config with the command line's folders and content weights in place of its own."""
    if data:
        # Absolute, so that a run can be resumed from any folder.
        folders = dataclasses.replace(config.data, dirs=tuple(str(Path(d).resolve()) for d in data))
        config = dataclasses.replace(config, data=folders)
    if content_weights:
        file = str(content_weights.resolve())
        phases = tuple(
            dataclasses.replace(phase, loss=dataclasses.replace(phase.loss, content_weights=file))
            for phase in config.phases
        )
        config = dataclasses.replace(config, phases=phases)
    return config


def without_paths(config: TrainConfig) -> TrainConfig:
    """The config to be published with weights: one machine's paths are of no use to others."""
    phases = tuple(
        dataclasses.replace(phase, loss=dataclasses.replace(phase.loss, content_weights=""))
        for phase in config.phases
    )
    data = dataclasses.replace(config.data, dirs=(), val_dirs=())
    return dataclasses.replace(config, phases=phases, data=data)


def require_equal(given: TrainConfig, own: TrainConfig, what: str) -> None:
    """Raises ConfigError, naming the first value that differs, unless the configs are equal."""
    ours, theirs = dataclasses.asdict(own), dataclasses.asdict(given)
    for (key, mine), other in zip(ours.items(), theirs.values(), strict=True):
        if mine != other:
            if isinstance(mine, dict):
                key, mine, other = next(
                    (f"{key}.{k}", v, other[k]) for k, v in mine.items() if v != other[k]
                )
            values = f" ({mine!r}, not {other!r})" if len(repr(mine)) < 60 else ""
            raise ConfigError(f"{what} with another {key}{values}: leave it out, or start anew")


def _build(cls: type[Any], table: dict[str, Any], where: str) -> Any:
    kinds = typing.get_type_hints(cls)
    for key in table:
        if key not in kinds:
            near = difflib.get_close_matches(key, kinds, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(kinds)}"
            raise ConfigError(f"unknown key {where}{key}; {hint}")
    values = {key: _convert(kinds[key], value, where + key) for key, value in table.items()}
    for f in dataclasses.fields(cls):
        required = f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        if required and f.name not in values:
            raise ConfigError(f"{where}{f.name} is missing")
    return cls(**values)


def _convert(kind: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(kind) and isinstance(kind, type) and isinstance(value, dict):
        return _build(kind, value, f"{where}.")
    origin = typing.get_origin(kind)
    if origin is tuple and isinstance(value, list):
        item = typing.get_args(kind)[0]
        return tuple(_convert(item, v, f"{where}[{i}]") for i, v in enumerate(value))
    if origin is Literal:
        if value in typing.get_args(kind):
            return value
        raise ConfigError(f"{where} must be one of {', '.join(typing.get_args(kind))}")
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if origin is None and type(value) is kind:
        return value
    wanted = "a list" if origin is tuple else _NAMES.get(kind, "a table")
    got = _NAMES[type(value)] if isinstance(value, (dict, list)) else repr(value)
    raise ConfigError(f"{where} must be {wanted}, not {got}")


_NAMES: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a string",
    dict: "a table",
    list: "a list",
}
