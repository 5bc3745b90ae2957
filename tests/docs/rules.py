"""Which command lines of the documents are run, how, and which are only looked at.

A line of `unblur` or `curl` is run, unless `ONLY_READ` has it. A line of another program is read
by that program's function in `programs.py`; one of a program that has none fails the test.
"""

from __future__ import annotations

import re

ONLY_READ = {
    r"unblur bulk ": "starts Ray, or needs an object store (tests/bulk runs it)",
    r"unblur train experiments/|unblur train (next|paper-gpu)\.toml": "trains for hours",
    r"unblur evaluate GOPRO_Large .*\.pth": "needs a checkpoint that somebody downloaded",
    r"unblur export .*--int8": "calibrates for a minute (tests/training quantises a small network)",
    r"unblur .*models/paper\.safetensors": "PyTorch, minutes (tests/test_torch_engine.py opens it)",
    r"unblur models add (nafnet|https:)": "downloads (tests/library has a server on loopback)",
    r"unblur (models|deblur|evaluate) .*\bNAME\b": "NAME stands for a model that was added",
    r"unblur --install-completion": "changes the user's own shell (tests/cli/test_completion.py)",
}
"""Lines of `unblur` that are parsed, with all their options and values, and not run; and why."""

APPENDED = {
    r"unblur (deblur|inspect) ": "--overwrite",
    r"unblur synth ": "--count 2",
    r"unblur train .*--out runs/default": "--max-steps 1",
    r"unblur evaluate ": "--no-cost",
    r"unblur evaluate .*runs/": "--engine torch",
    r"unblur robustness ": "--count 1",
}
"""What makes a line short, or lets it run twice; it overrides what the line has."""


def why_only_read(text: str) -> str | None:
    return next((why for rule, why in ONLY_READ.items() if re.match(rule, text)), None)


def appended(text: str) -> list[str]:
    """The options to append to a line."""
    return [word for rule, more in APPENDED.items() if re.match(rule, text)
            for word in more.split()]  # fmt: skip
