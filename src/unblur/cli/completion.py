"""What the shell offers when a word is completed: it waits for it, so nothing heavy is imported.

Other words than these are completed as files by the shell itself.
"""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

from unblur.inference.suffixes import SUFFIXES


def models(incomplete: str) -> list[str]:
    """Names of models, then files of networks and folders, that begin with what was typed."""
    names = [name for name in _names() if name.startswith(incomplete)]
    return [*names, *_files(incomplete)]


def _names() -> list[str]:
    from unblur.inference import added

    weights = Path(str(resources.files("unblur"))) / "weights"
    return [*sorted(path.stem for path in weights.glob("*.onnx")), *added.names()]


def _files(incomplete: str) -> list[str]:
    head, last = os.path.split(incomplete)
    try:
        with os.scandir(head or ".") as entries:
            found = [(e.name, e.is_dir()) for e in entries if e.name.startswith(last)]
    except OSError:
        return []
    return [
        os.path.join(head, name) + (os.sep if folder else "")  # noqa: PTH118 - as it was typed
        for name, folder in sorted(found)
        if (folder and not name.startswith(".")) or name.lower().endswith(SUFFIXES)
    ]
