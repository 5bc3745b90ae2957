"""Looks at an installation: what is there, what it computes on, and what is missing for what.

One file looks at one thing. Nothing here imports a package at its top that could be broken: what is
examined is imported in other processes first (`imports`), or under `finding.guarded`.
"""

from __future__ import annotations

from collections.abc import Iterator

from unblur.doctor import devices, extras, folders, machine, models, packages, timing
from unblur.doctor.finding import Finding, Section, State

__all__ = ["Finding", "Section", "State", "examine"]


def examine() -> Iterator[Section]:
    """Looks at everything, one section after the other, within a few seconds."""
    yield Section("machine", machine.findings())
    needed = packages.findings()
    yield Section("packages", needed)
    broken = [found.name for found in needed if found.is_fault]
    if broken:
        # What imports them here could end this process.
        reason = f"not tried, because of {', '.join(broken)}"
        for title in ("devices", "models", "speed"):
            yield Section(title, [Finding(title, State.UNKNOWN, reason)])
    else:
        yield Section("devices", devices.findings())
        yield Section("models", models.findings())
        yield Section("speed", timing.findings())
    yield Section("folders", folders.findings())
    yield Section("extras", extras.findings())
