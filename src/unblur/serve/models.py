"""The models that the server has loaded."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

from unblur.errors import ModelError
from unblur.inference.deblurrer import Deblurrer, open_network
from unblur.inference.engine import CHECKPOINT, FLOATS
from unblur.inference.memory import tile_for_memory


class LoadedModels:
    """Models by name. Threads may share it.

    Args:
        sources: names or files, as `Deblurrer` takes them; the first is the default.
        tile: largest side of a tile; by default what the free memory allows now.

    Raises:
        ModelError: if one cannot be loaded, or two have the same name.
    """

    def __init__(self, sources: Iterable[str | Path], tile: int | None = None) -> None:
        self.by_name: dict[str, LoadedModel] = {}
        for source in sources:
            path = Path(source)
            name = path.stem if path.suffix in (".onnx", CHECKPOINT) else str(source)
            if name in self.by_name:
                raise ModelError(f"two models are called {name}; rename one")
            self.by_name[name] = LoadedModel(name, source, tile)
        self.default = next(iter(self.by_name))

    def find(self, name: str | None) -> LoadedModel:
        """Returns a model by its name, or the default.

        Raises:
            ModelError: if there is none of this name.
        """
        try:
            return self.by_name[self.default if name is None else name]
        except KeyError:
            names = ", ".join(self.by_name)
            raise ModelError(f"no model of this name; there is {names}") from None


class LoadedModel:
    """A model with its deblurrers.

    Attributes:
        digest: SHA-256 of its file.
        fast: its deblurrer without `best`.
    """

    def __init__(self, name: str, source: str | Path, tile: int | None) -> None:
        network = open_network(source, "auto", "auto")
        self.name, self.digest = name, network.digest
        # One tile for all photos: a photo's result does not depend on the load.
        self.fast = Deblurrer(network, tile=tile or tile_for_memory(network.contract.tile))
        self._source = source
        self._best: Deblurrer | None = None
        self._loading = threading.Lock()

    def deblurrer(self, best: bool) -> Deblurrer:
        """The deblurrer with or without `best`; the one with it is made at its first use."""
        if not best:
            return self.fast
        with self._loading:
            if self._best is None:
                network = self.fast.engine
                if network.precision not in FLOATS:
                    network = open_network(self._source, "auto", "float")
                self._best = Deblurrer(network, tile=self.fast.tile, best=True)
            return self._best
