"""The models that the server has loaded."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

from unblur.errors import ModelError
from unblur.inference.contract import FLOATS
from unblur.inference.deblurrer import Deblurrer
from unblur.inference.engine import open_network
from unblur.inference.inspector import Inspector
from unblur.inference.memory import tile_for_memory
from unblur.inference.models import CHECKPOINT


class LoadedModel:
    """A model with its deblurrers and its inspector. Threads may share it.

    Attributes:
        digest: SHA-256 of its file.
        fast: its deblurrer without `best`.
    """

    def __init__(self, name: str, source: str | Path, tile: int | None) -> None:
        network = open_network(source)
        self.name, self.digest = name, network.digest
        # One tile for all photos: a photo's result does not depend on the load.
        self.fast = Deblurrer(network, tile=tile or tile_for_memory(network.contract.tile))
        self._source, self._loading = source, threading.Lock()
        self._best: Deblurrer | None = None
        self._inspector: Inspector | None = None

    def deblurrer(self, best: bool) -> Deblurrer:
        """The deblurrer with or without `best`; the one with it is made at its first use."""
        if not best:
            return self.fast
        with self._loading:
            if self._best is None:
                network = self.fast.engine
                if network.precision not in FLOATS:
                    network = open_network(self._source, precision="float")
                self._best = Deblurrer(network, tile=self.fast.tile, best=True)
            return self._best

    @property
    def inspector(self) -> Inspector:
        """What measures blur, by the model's network if it can; made at its first use."""
        with self._loading:
            if self._inspector is None:
                self._inspector = Inspector(self.fast.engine, tile=self.fast.tile)
            return self._inspector


class LoadedModels(dict[str, LoadedModel]):
    """Models by name; the first is the default.

    Args:
        sources: names or files, as `Deblurrer` takes them.
        tile: largest side of a tile; by default what the free memory allows now.

    Raises:
        ModelError: if one cannot be loaded, or two have the same name.
    """

    def __init__(self, sources: Iterable[str | Path], tile: int | None = None) -> None:
        for source in sources:
            path = Path(source)
            name = path.stem if path.suffix in (".onnx", CHECKPOINT) else str(source)
            if name in self:
                raise ModelError(f"two models are called {name}; rename one")
            self[name] = LoadedModel(name, source, tile)
        self.default = next(iter(self))

    def find(self, name: str | None) -> LoadedModel:
        """Returns the model of this name, or the default; raises ModelError if there is none."""
        try:
            return self[self.default if name is None else name]
        except KeyError:
            raise ModelError(f"no model of this name; there is {', '.join(self)}") from None
