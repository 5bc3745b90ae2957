"""A run's folder: config.toml, log.jsonl, last and best.safetensors, state.pt, pictures/."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from unblur import photo
from unblur.errors import Hint, TrainError
from unblur.nets import checkpoint
from unblur.photo.files import atomic, sweep
from unblur.training import config as configs
from unblur.training.state import State


class RunFolder:
    """Writes a run's files, each atomically but the log, to which lines are appended.

    Only rank zero's machine has it. The methods raise TrainError if it cannot be written to.
    """

    def __init__(self, path: Path) -> None:
        self.path: Path = path
        self._state = path / "state.pt"

    def check(self, resume: bool, restarts: configs.TrainConfig | None = None) -> bool:
        """Whether there is a state to load.

        Args:
            resume: whether there must be one; else the folder must be empty, or not there.
            restarts: the config of a run that may have begun here before.

        Raises:
            TrainError: if the folder is taken, or holds nothing to resume.
            ConfigError: if a run of another config than `restarts` has begun here.
        """
        if resume and not self._state.is_file():
            raise TrainError("nothing to resume, it has no state.pt", file=self.path)
        own = self.path / "config.toml"
        if not resume and restarts is not None and own.is_file():
            configs.require_equal(restarts, configs.load(own), f"{self.path} was started")
            return self._state.is_file()
        taken = self.path.exists() and (not self.path.is_dir() or photo.listed(self.path))
        if not resume and taken:
            reason = "is not empty, and a new run needs a folder of its own"
            raise TrainError(reason, file=self.path, hint=Hint("resume"))
        return resume

    def begin(self, config: configs.TrainConfig, step: int) -> None:
        """Writes the config, and drops lines of the log behind `step`, which is done anew."""
        with self._writing():
            self.path.mkdir(parents=True, exist_ok=True)
            checkpoint.write_whole(self.path / "config.toml", configs.dumps(config).encode())
            log = self.path / "log.jsonl"
            if log.exists():
                lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
                kept = [line for line in lines if line.endswith("\n") and _step(line) <= step]
                checkpoint.write_whole(log, "".join(kept).encode())

    def log(self, line: dict[str, Any]) -> None:
        with self._writing(), (self.path / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def load(self, state: State) -> None:
        """Restores the state that `save` has written."""
        state.load_state_dict(torch.load(self._state, state.device, weights_only=False))

    def save(self, state: State) -> None:
        """Writes last.safetensors and state.pt, and removes what a killed process left of them."""
        sweep(self.path)
        self.save_weights(state, "last")
        with self._writing(), atomic(self._state) as file:
            torch.save(state.state_dict(), file)

    def save_weights(self, state: State, name: str) -> None:
        """Writes the averaged weights with the run's provenance to `name`.safetensors."""
        path = self.path / f"{name}.safetensors"
        config = configs.dumps(configs.without_paths(state.config))
        with self._writing():
            checkpoint.save_weights(path, state.ema, config, state.provenance())

    def save_picture(self, step: int, pixels: np.ndarray) -> None:
        import pyvips

        image: Any = pyvips.Image.new_from_array(pixels)
        path = self.path / "pictures" / f"step-{step:07d}.jpg"
        photo.save(image.jpegsave_buffer(Q=92), path, overwrite=True)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise TrainError(f"cannot be written ({error.strerror})", file=self.path) from None


def _step(line: str) -> float:
    try:
        return json.loads(line)["step"]
    except (ValueError, KeyError, TypeError):  # torn, when the machine went down
        return math.inf
