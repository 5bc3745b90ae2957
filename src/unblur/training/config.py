"""The configuration of a training run, read from TOML and written to it."""

from __future__ import annotations

import difflib
import re
import tomllib
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
from msgspec.structs import fields, replace

from unblur import nets
from unblur.blur.config import BlurConfig
from unblur.errors import ConfigError
from unblur.losses import LossConfig
from unblur.nets.gated_unet import GatedUNetConfig
from unblur.nets.paper import DiscriminatorConfig

T = TypeVar("T", bound=msgspec.Struct)


class DataConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which data to train and validate on."""

    dirs: tuple[str, ...] = ()
    """Folders of pairs or of sharp photos."""
    val_dirs: tuple[str, ...] = ()
    """Folders of pairs to validate on; by default pairs and photos held out of `dirs`."""
    blur_folder: Literal["blur", "blur_gamma"] = "blur"
    """Which of GoPro's two blurs, averaged without or with its response curve."""
    resize: int = 0
    """Side of the square that whole pairs and photos are first resized to by area, in pixels (the
    paper's: 256); 0: not resized. Photos keep the blur's margin beyond it."""
    min_scale: float = 1.0
    """Crops are drawn from pictures at their own size and at 0.71, 0.5, 0.35, ... of it, equally
    often, down to this scale and as long as a crop fits in."""
    augment: bool = True
    """Random flips and turns, the same for both images."""
    quarter_turns: bool = True
    """Whether turns are by quarters too; of pictures that `resize` squeezes they look unnatural."""
    candidates: int = 1
    """Crops drawn for each sample; the one whose images differ most is kept: sky shows no blur."""
    pair_share: float = 0.3
    """Share of samples from pairs, where there are pairs and photos."""
    hold_out_every: int = 13
    """Every n-th pair and photo by name, at least one of two, is held out to validate; 0: none."""
    val_images: int = 8
    """Largest number of validation images, spread evenly over those held out."""
    gpu_gib: float = 16.0
    """Memory of each GPU for decoded pictures, at most half of what is free."""
    cache_gib: float = 6.0
    """Main memory for the other pictures; those beyond it are decoded each time."""


class PhaseConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
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
    """Whether batch norm uses its running statistics, as at inference, and leaves them unchanged:
    for crops of another size or number, and to end with the network that is used."""
    loss: LossConfig = LossConfig()


class TrainConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One training run, from the first step to the last."""

    phases: tuple[PhaseConfig, ...]
    network: nets.NetworkConfig = msgspec.field(default=GatedUNetConfig(), name="generator")
    """In TOML `generator` names it, and the table of that name holds its values; the tables of
    other networks are checked and ignored."""
    discriminator: DiscriminatorConfig = DiscriminatorConfig()
    data: DataConfig = DataConfig()
    blur: BlurConfig = BlurConfig()
    seed: int = 0
    precision: Literal["auto", "32-true", "bf16-mixed"] = "auto"
    """auto: bf16 where the hardware computes in it natively."""
    compile: Literal["auto", "on", "off"] = "auto"
    """auto: compiles gated blocks, on a GPU; on: those, or a network without any, also on a CPU."""
    graph: bool = True
    """Whether a single GPU replays its steps as a CUDA graph, in phases without discriminator."""
    schedule: Literal["steps", "time"] = "steps"
    """How the rate goes from `lr` to `lr_end`. steps: over the phase's steps; time: by the larger
    of the shares of steps and of the time limit that have passed, in a run of one phase."""
    optimizer: Literal["adam", "adamw"] = "adamw"
    betas: tuple[float, ...] = (0.9, 0.9)
    weight_decay: float = 0.0
    """AdamW's, for matrices and kernels only; norms, biases and scales do not decay."""
    slow_prefixes: tuple[str, ...] = ()
    """Parameter-name prefixes trained at `slow` times the learning rate."""
    slow: float = 0.1
    clip: float = 0.0
    """Largest norm of the generator's gradient; 0: not clipped."""
    ema: float = 0.999
    """Decay of the averaged weights, which are validated and saved; 0: no average."""
    check_every: int = 500
    """Generator steps between two validations."""
    log_every: int = 10
    """Generator steps between two lines of the log; between them the host waits for no GPU."""
    patience: int = 0
    """Checks without a better validation PSNR before the run ends; 0: never."""
    watch_every: int = 0
    """Generator steps between two logs of each loss term's gradient norm, a pass each; 0: never."""

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
        return loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ConfigError) as error:
        raise ConfigError(f"{path}: {error}") from None


def loads(text: str) -> TrainConfig:
    """Reads TOML text; raises as `load`, and tomllib.TOMLDecodeError for text that is not TOML."""
    tables = tomllib.loads(text)
    if "slow_parts" in tables:  # the key's name in the weights that are published
        tables["slow_prefixes"] = tables.pop("slow_parts")
    name = tables.pop("generator", nets.name_of(GatedUNetConfig()))
    if name not in [*nets.NETWORKS]:
        raise ConfigError(f"generator must be one of {', '.join(nets.NETWORKS)}, not {name!r}")
    shapes = {other: tables.pop(nets.table_of(other), {}) for other in nets.NETWORKS}
    config = _convert(tables, TrainConfig)
    networks = {
        other: _convert(shape, nets.NETWORKS[other][0], nets.table_of(other))
        for other, shape in shapes.items()
    }
    return replace(config, network=networks[name])


def dumps(config: TrainConfig) -> str:
    """TOML text with every value, which `loads` turns back into an equal config."""
    import tomli_w

    return tomli_w.dumps(_tables(config))


def override(
    config: TrainConfig, data: Sequence[Path | str] | None, content_weights: Path | None
) -> TrainConfig:
    """The config with other data folders and content weights, where they are given."""
    if data:
        # Absolute, so that a run can be resumed from any folder.
        folders = tuple(str(Path(d).resolve()) for d in data)
        config = replace(config, data=replace(config.data, dirs=folders))
    if content_weights:
        config = _with_content_weights(config, str(content_weights.resolve()))
    return config


def without_paths(config: TrainConfig) -> TrainConfig:
    """The config without paths of this machine, to be published with weights."""
    data = replace(config.data, dirs=(), val_dirs=())
    return _with_content_weights(replace(config, data=data), "")


def require_equal(given: TrainConfig, own: TrainConfig, what: str) -> None:
    """Raises ConfigError, naming the first value that differs, unless the configs are equal."""
    theirs = _tables(given)
    for key, mine in _tables(own).items():
        other = theirs.get(key)
        if mine != other:
            if isinstance(mine, dict) and isinstance(other, dict):
                key, mine, other = next(
                    (f"{key}.{k}", v, other[k]) for k, v in mine.items() if v != other[k]
                )
            values = f" ({mine!r}, not {other!r})" if len(repr(mine)) < 60 else ""
            raise ConfigError(f"{what} with another {key}{values}: leave it out, or start anew")


def _with_content_weights(config: TrainConfig, file: str) -> TrainConfig:
    phases = (replace(p, loss=replace(p.loss, content_weights=file)) for p in config.phases)
    return replace(config, phases=tuple(phases))


def _tables(config: TrainConfig) -> dict[str, Any]:
    """The config as TOML has it, the generator's name first."""
    name = nets.name_of(config.network)
    tables = msgspec.to_builtins(config)
    return {"generator": name, nets.table_of(name): tables.pop("generator"), **tables}


def _convert(table: dict[str, Any], kind: type[T], where: str = "") -> T:
    """A struct of the table `where`; ConfigError names the key that is wrong, and what it needs."""
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$.")
    place: Any = kind
    for name in re.findall(r"[a-z]\w*", path):
        place = next(field.type for field in fields(place) if field.encode_name == name)
        place = typing.get_args(place)[0] if typing.get_origin(place) is tuple else place
    what, *keys = reason.split("`")
    key = keys[0] if "field" in what else ""
    path = ".".join(filter(None, (where, path.rstrip("`"), key)))
    if "unknown field" in what:
        known = [field.encode_name for field in fields(place)]
        if place is TrainConfig:
            known += map(nets.table_of, nets.NETWORKS)
        near = difflib.get_close_matches(key, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(known)}"
        raise ConfigError(f"unknown key {path}; {hint}")
    if "missing" in what:
        raise ConfigError(f"{path} is missing")
    if typing.get_origin(place) is Literal:
        raise ConfigError(f"{path} must be one of {', '.join(typing.get_args(place))}")
    reason = re.sub(r"`(\w+)`", lambda kind: _NAMES.get(kind[1], kind[1]), reason)
    raise ConfigError(f"{path}: {reason[0].lower()}{reason[1:]}")


_NAMES = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "a string",
    "array": "a list",
    "object": "a table",
}
"""TOML's types, by msgspec's names."""
