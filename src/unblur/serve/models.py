"""The models that the server has loaded."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

from unblur.errors import ModelError
from unblur.inference.contract import FLOATS, MeasuringNetwork, Network
from unblur.inference.deblurrer import Deblurrer
from unblur.inference.engine import open_network
from unblur.inference.inspector import Inspector, measures_blur
from unblur.inference.memory import tile_for_memory
from unblur.inference.options import Scale
from unblur.inference.suffixes import SUFFIXES


class LoadedModel:
    """A model with its networks. Threads may share it.

    Attributes:
        source: its bundled name or its file.
        digest: SHA-256 of its file.
        network: what deblurs without `best`.
    """

    def __init__(
        self,
        name: str,
        source: str | Path,
        tile: int | None,
        measuring: Measuring,
        trust: bool = False,
    ) -> None:
        self.network: Network = open_network(source, trust=trust)
        self.name: str = name
        self.digest: str = self.network.digest
        # One tile for all photos: a photo's result does not depend on the load.
        contract = self.network.contract
        self._tile = min(tile, contract.largest) if tile else tile_for_memory(contract)
        self.source: str | Path = source
        self._measuring = measuring
        self._loading = threading.Lock()
        self._floats: Network | None = None

    def deblurrer(self, best: bool = False, scale: Scale = "auto") -> Deblurrer:
        """A deblurrer; what `best` needs is loaded at its first use."""
        network = self._network_of_best() if best else self.network
        return Deblurrer(network, tile=self._tile, best=best, scale=scale)

    def inspector(self, exact: bool = False) -> Inspector:
        """What measures blur, by the model's network if it can."""
        network = self.network if measures_blur(self.network) else self._measuring.network
        return Inspector(network, tile=self._tile, exact=exact)

    def _network_of_best(self) -> Network:
        with self._loading:
            if self._floats is None:
                rounded = self.network.precision not in FLOATS
                self._floats = (
                    open_network(self.source, precision="float") if rounded else self.network
                )
            return self._floats


class Measuring:
    """The network that measures blur for models that do not: one for all, opened when needed."""

    def __init__(self) -> None:
        self._opening = threading.Lock()
        self._opened: MeasuringNetwork | None = None

    def offer(self, model: LoadedModel) -> None:
        """Takes a loaded model's network instead of opening one, if it is the default's."""
        if model.source == "default" and measures_blur(model.network):
            self._opened = model.network

    @property
    def network(self) -> MeasuringNetwork:
        with self._opening:
            if self._opened is None:
                self._opened = Inspector("default").engine
            return self._opened


class LoadedModels(dict[str, LoadedModel]):
    """Models by name; the first is the default.

    Args:
        sources: names or files, as `Deblurrer` takes them.
        tile: largest side of a tile; by default what the free memory allows now.
        trust: as in `open_network`.

    Raises:
        ModelError: if one cannot be loaded, or two have the same name.
    """

    def __init__(
        self, sources: Iterable[str | Path], tile: int | None = None, trust: bool = False
    ) -> None:
        measuring = Measuring()
        for source in sources:
            path = Path(source)
            name = path.stem if path.suffix.lower() in SUFFIXES else str(source)
            if name in self:
                raise ModelError(f"two models are called {name}; rename one")
            self[name] = LoadedModel(name, source, tile, measuring, trust)
            measuring.offer(self[name])
        self.default: str = next(iter(self))

    def find(self, name: str | None) -> LoadedModel:
        """Returns the model of this name, or the default; raises ModelError if there is none."""
        try:
            return self[self.default if name is None else name]
        except KeyError:
            raise ModelError(f"no model of this name; there is {', '.join(self)}") from None
