"""`unblur train-head`: the head that measures blur, for a network of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unblur.cli.errors import WRONG, fail, needs, reported
from unblur.cli.options import file_name, takes
from unblur.cli.output import echo
from unblur.inference.options import option

if TYPE_CHECKING:
    from unblur.nets.blur_head import BlurHead


@dataclass(frozen=True)
class Options:
    model: Path = option(
        ..., "Network that unblur export wrote.", argument=True, metavar="MODEL.onnx"
    )
    out: Path = option(
        ...,
        "ONNX file to write: the same network, with the head.",
        short="-o",
        read=file_name,
        metavar="FILE",
    )
    data: Path | None = option(None, "Folder of sharp photos to train on.", metavar="PHOTOS")
    from_: Path | None = option(
        None, "Take the head of this file; nothing is trained.", metavar="OTHER.onnx"
    )
    samples: int | None = option(
        None, "Blurred crops to train on; by default as many as the bundled head's.", least=1
    )
    steps: int | None = option(
        None, "Steps of training; by default as many as the bundled head's.", least=1
    )
    seed: int = option(0, "Seed of the crops and of the training.", least=0)


@takes(Options)
def train_head(given: Options) -> None:
    """Train the head that measures blur, on the features of an exported network."""
    if (given.data is None) == (given.from_ is None):
        fail("name photos with --data PHOTOS, or a file with a head with --from OTHER.onnx", WRONG)
    with needs("train"):
        from unblur.training import graft
    with reported():
        # Before an hour of training, not after it.
        graft.check(given.model, given.out)
        head = graft.load_blur_head(given.from_) if given.from_ else _trained(given)
        graft.add_blur_head(given.model, head, given.out)
    echo(f"{given.out}  {given.out.stat().st_size / 2**20:.1f} MiB")


def _trained(given: Options) -> BlurHead:
    from unblur.cli.progress import stages
    from unblur.training.blur_head import SAMPLES, STEPS, train_blur_head

    assert given.data is not None
    numbers = (given.samples or SAMPLES, given.steps or STEPS, given.seed)
    with stages() as advance:
        return train_blur_head(given.model, given.data, *numbers, advance)
