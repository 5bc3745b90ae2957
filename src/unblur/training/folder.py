"""A run's folder: config.toml, log.jsonl, last and best.safetensors, state.pt, pictures/."""

from __future__ import annotations

import json
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

    Args:
        path: to resume, one that has a state; else none, or an empty folder.

    Raises:
        TrainError: if it is taken, or holds nothing to resume. The methods raise it if the folder
            cannot be written to.
    """

    def __init__(self, path: Path, resume: bool) -> None:
        self.path, self._state = path, path / "state.pt"
        if resume and not self._state.is_file():
            raise TrainError("nothing to resume, it has no state.pt", file=path)
        if not resume and path.exists() and (not path.is_dir() or photo.listed(path)):
            reason = "is not empty, and a new run needs a folder of its own"
            raise TrainError(reason, file=path, hint=Hint("resume"))

    def begin(self, config: configs.TrainConfig) -> None:
        with self._writing():
            self.path.mkdir(parents=True, exist_ok=True)
            checkpoint.write_whole(self.path / "config.toml", configs.dumps(config).encode())

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
