"""`unblur robustness`: a model's robustness card."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from unblur.cli.errors import needs, reported
from unblur.cli.options import takes
from unblur.cli.output import echo
from unblur.inference.options import MODEL, TRUST, option


@dataclass(frozen=True)
class Options:
    photos: Path | None = option(
        None, "Folder of sharp photos; by default the four of scikit-image.", argument=True
    )
    model: tuple[str, ...] = option(("default",), f"{MODEL.help} Repeatable.")
    trust: bool = option(False, TRUST)
    out: Path = option(Path("robustness"), "Folder for the card.", short="-o")
    count: int = option(8, "Largest number of photos.", least=1)
    seed: int = option(0, "Seed of photos, shakes and noise.", least=0)


@takes(Options)
def robustness(given: Options) -> None:
    """Draw a model's robustness card: harm, noise, JPEG, blur, saturation, rotation, tiles."""
    with needs("train"):
        from unblur import robustness as card
    from unblur.cli.opening import opening
    from unblur.cli.progress import bar

    with reported(), opening(), bar() as advance:
        card.run(
            given.photos, given.model, given.out, given.count, given.seed, advance, given.trust
        )
    echo(str(given.out / "card.html"))
