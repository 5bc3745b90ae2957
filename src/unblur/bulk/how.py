"""How all photos of a run are deblurred: the same on every machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from unblur import __version__, photo
from unblur.errors import Action, ModelError, UnblurError
from unblur.inference import contracts, onnx_data
from unblur.inference.contract import FLOATS, Contract
from unblur.inference.deblurrer import Deblurrer
from unblur.inference.engine import open_network
from unblur.inference.foreign import Foreign
from unblur.inference.models import find_model, in_precision, is_bundled
from unblur.inference.options import Precision, Scale
from unblur.inference.suffixes import ONNX
from unblur.photo.files import scratch_folder


@dataclass(frozen=True, slots=True)
class Model:
    """A model that is opened on other machines as it was on this one.

    Attributes:
        name: of a bundled model, or of the file.
        data: the file, unless it is bundled.
        digest: SHA-256 of the file.
        contract: what was found out about a network of others, else None.
        precision: that gives on any processor what "auto" chose on this one.
    """

    name: str
    data: bytes | None
    digest: str
    precision: Precision
    contract: Contract | None = None

    @contextmanager
    def opened(self, threads: int | None = None) -> Iterator[Deblurrer]:
        """A `Deblurrer` on the CPU.

        Raises:
            ModelError: if the model of this machine is another one.
        """
        with scratch_folder() as folder:
            path: str | Path = self.name
            if self.data is not None:
                path = folder / self.name
                path.write_bytes(self.data)
                if self.contract is not None:
                    contracts.keep(self.digest, self.contract, path)
            # Trusted or not was asked where the run was started.
            network = open_network(path, "cpu", self.precision, threads, trust=True)
            if network.digest != self.digest:
                raise ModelError(f"the model {self.name} is another one here; install the same")
            yield Deblurrer(network)


@dataclass(frozen=True, slots=True)
class How:
    """How each photo is deblurred.

    Attributes:
        model: the network.
        tile: one for all, as results of two tiles differ slightly.
        best, scale: as of `Deblurrer`.
        strength: 0 to 1.
        max_pixels: photos of more are refused.
        words: for the hints of errors, which the manifest holds.
        version: of this package, which other machines need too.
    """

    model: Model
    tile: int
    best: bool = False
    scale: Scale = "auto"
    strength: float = 1.0
    max_pixels: int = photo.MAX_PIXELS
    words: Mapping[Action, str] = field(default_factory=dict)
    version: str = __version__

    @contextmanager
    def opened(self, threads: int | None = None) -> Iterator[Deblurrer]:
        """The `Deblurrer` that all photos of a worker share; raises UnblurError."""
        if self.version != __version__:
            reason = f"a machine of the cluster has unblur {__version__}, this one {self.version}"
            raise UnblurError(f"{reason}; install the same")
        with self.model.opened(threads) as opened:
            given = {"tile": self.tile, "best": self.best, "scale": self.scale}
            yield Deblurrer(opened.engine, **given)


def choose_model(
    model: str, precision: Precision, best: bool, trust: bool = False
) -> tuple[Model, Deblurrer]:
    """The model that `Deblurrer` would open on this machine's CPU, to be opened on others.

    Raises:
        ModelError, CheckpointError: as `Deblurrer`.
    """
    precision = "float" if best and precision == "auto" else precision
    network = open_network(model, "cpu", precision, trust=trust)
    path = find_model(model)
    if path.suffix.lower() == ONNX:
        path = in_precision(path, precision)
    if path.suffix.lower() == ONNX and onnx_data.locations(path):
        reason = "keeps its weights in another file; one file is sent to the workers"
        raise ModelError(f"{reason}: save it as one", file=path)
    exact: Precision = network.precision if network.precision in FLOATS else "auto"  # pyright: ignore[reportAssignmentType]
    bundled = is_bundled(path)
    name, data = (path.stem, None) if bundled else (path.name, path.read_bytes())
    found = network.contract if isinstance(network, Foreign) else None
    return Model(name, data, network.digest, exact, found), Deblurrer(network, best=best)
