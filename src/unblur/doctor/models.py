"""The networks that are there, and whether they are as they were."""

from __future__ import annotations

from functools import partial
from importlib import resources
from pathlib import Path

from unblur.doctor.finding import Finding, State, guarded


def findings() -> list[Finding]:
    """The bundled networks, each against its published checksum."""
    folder = Path(str(resources.files("unblur"))) / "weights"
    try:
        sums = (folder / "SHA256SUMS").read_text(encoding="utf-8").split()[1::2]
    except OSError as error:
        text = f"{folder} cannot be read ({error.strerror}); install unblur again"
        return [Finding("bundled", State.BROKEN, text, needed=True)]
    return [guarded(Path(n).stem, partial(_bundled, folder / n), needed=True) for n in sorted(sums)]


def _bundled(path: Path) -> Finding:
    from unblur.inference.models import checked_digest

    if not path.is_file():
        text = f"{path} is missing; install unblur again"
        return Finding(path.stem, State.MISSING, text, needed=True)
    digest, size = checked_digest(path), path.stat().st_size
    facts = {"file": str(path), "sha256": digest, "bytes": size}
    text = f"bundled, {size / 1e6:.1f} MB, its checksum is right"
    return Finding(path.stem, State.OK, text, needed=True, facts=facts)
