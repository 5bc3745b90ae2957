"""A run's folder: config.toml, log.jsonl, last and best.safetensors, state.pt, pictures/."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from unblur import __version__, photo
from unblur.errors import TrainError
from unblur.nets import checkpoint
from unblur.photo.files import sweep
from unblur.training import config as configs
from unblur.training import distributed
from unblur.training.state import State

if TYPE_CHECKING:
    from lightning.fabric import Fabric


class RunFolder:
    """What the first process writes for all; every file whole or not at all.

    Args:
        path: to resume, one that has a state; else none, or an empty folder.

    Raises:
        TrainError: if it is taken, or holds nothing to resume. The methods raise it where nothing
            can be written, in every process.
    """

    def __init__(self, path: Path, fabric: Fabric, resume: bool) -> None:
        self.path, self.fabric = path, fabric
        if resume and not self._state.is_file():
            raise TrainError(f"{path}: nothing to resume, it has no state.pt")
        if resume and fabric.is_global_zero:
            sweep(path)
        if not resume and path.exists() and any(path.iterdir()):
            raise TrainError(f"{path}: is not empty; --resume goes on with it, or name another")

    def begin(self, config: configs.TrainConfig) -> None:
        def write() -> None:
            self.path.mkdir(parents=True, exist_ok=True)
            checkpoint.write_whole(self.path / "config.toml", configs.dumps(config).encode())

        self._write(write)

    def log(self, line: dict[str, Any]) -> None:
        def write() -> None:
            with (self.path / "log.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")

        self._write(write)

    def load(self, state: State) -> None:
        """Goes on with the state that `save` has written."""
        state.load_state_dict(
            torch.load(self._state, map_location=state.device, weights_only=False)
        )

    def save(self, state: State) -> None:
        """last.safetensors and state.pt."""
        self.save_weights(state, "last")
        self._write(lambda: checkpoint.write_whole(self._state, state.state_dict()))

    def save_weights(self, state: State, name: str) -> None:
        at = state.at
        facts = {
            "unblur": __version__,
            "step": at.step,
            "crops": at.crops,
            "minutes": round(at.seconds / 60, 1),
            "hardware": _hardware(self.fabric),
            "data": [Path(d).name for d in state.config.data.dirs],
            "content_networks": sorted({net.name for net in state.features.values()}),
            "validation_psnr": at.psnr,
            "validation_gain": at.gain,
            "started_from": at.source,
        }
        config = configs.without_paths(state.config)
        path = self.path / f"{name}.safetensors"
        self._write(lambda: checkpoint.save_weights(path, state.ema, config, facts))

    def save_picture(self, step: int, pixels: np.ndarray) -> None:
        path = self.path / "pictures" / f"step-{step:07d}.jpg"
        self._write(lambda: photo.save(_jpeg(pixels), path, overwrite=True))

    @property
    def _state(self) -> Path:
        return self.path / "state.pt"

    def _write(self, write: Callable[[], None]) -> None:
        def first() -> None:
            try:
                if self.fabric.is_global_zero:
                    write()
            except OSError as error:
                raise TrainError(f"{self.path}: cannot be written ({error.strerror})") from None

        distributed.in_all(self.fabric, first)


def _hardware(fabric: Fabric) -> str:
    if fabric.device.type == "cuda":
        return f"{fabric.world_size} x {torch.cuda.get_device_name()}"
    return f"{os.cpu_count()} CPU cores ({platform.machine()})"


def _jpeg(pixels: np.ndarray) -> bytes:
    import pyvips

    image: Any = pyvips.Image.new_from_array(pixels)
    return image.jpegsave_buffer(Q=92)
