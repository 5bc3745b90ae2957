"""Endings of the files that networks come in."""

from __future__ import annotations

ONNX = ".onnx"
CHECKPOINT = ".safetensors"
"""Suffix of a checkpoint, which PyTorch runs (see `engine.open_network`)."""
PICKLES = (".pth", ".pt", ".ckpt")
"""Suffixes of checkpoints that are read only if they are trusted: Python's pickles."""
SUFFIXES = (ONNX, CHECKPOINT, *PICKLES)
"""Of all files that are opened as networks."""
