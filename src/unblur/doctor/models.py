"""The networks that are there, and whether they are as they were."""

from __future__ import annotations

from functools import partial
from importlib import resources
from pathlib import Path

from unblur.doctor.finding import Finding, State, guarded


def findings() -> list[Finding]:
    """The bundled networks, each against its published checksum, and the added ones."""
    from unblur.inference.models import bundled_sums

    try:
        names = sorted(bundled_sums())
    except OSError as error:
        text = f"the bundled networks cannot be read ({error}); install unblur again"
        return [Finding("bundled", State.BROKEN, text, needed=True)]
    bundled = [guarded(Path(n).stem, partial(_bundled, n), needed=True) for n in names]
    return [*bundled, *_added()]


def _bundled(name: str) -> Finding:
    from unblur.inference.models import checked_digest

    path = Path(str(resources.files("unblur"))) / "weights" / name
    if not path.is_file():
        text = f"{path} is missing; install unblur again"
        return Finding(path.stem, State.MISSING, text, needed=True)
    digest, size = checked_digest(path), path.stat().st_size
    facts = {"file": str(path), "sha256": digest, "bytes": size}
    text = f"bundled, {size / 1e6:.1f} MB, its checksum is right"
    return Finding(path.stem, State.OK, text, needed=True, facts=facts)


def _added() -> list[Finding]:
    """The added networks. Their sizes alone are checked, for they may be large."""
    from unblur.inference import added

    def look(name: str) -> Finding:
        found = added.read(name)
        if fault := found.fault():
            raise found.damaged(fault)
        facts = {"file": str(found.path), "sha256": found.sha256, "bytes": found.size}
        return Finding(name, State.OK, f"added, {found.size / 1e6:.1f} MB", facts=facts)

    return [guarded(name, partial(look, name)) for name in added.names()]
