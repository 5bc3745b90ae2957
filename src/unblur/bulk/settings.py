"""What the pixels of a result depend on, besides its photo."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from unblur.batch import folder
from unblur.inference.deblurrer import Deblurrer


def settings_of(deblurrer: Deblurrer, strength: float, precision: str) -> dict[str, Any]:
    """All that changes the pixels of results, as JSON; those of a folder, and the arithmetic.

    Args:
        deblurrer: with the one tile that all results are made with.
        precision: as it was asked for.
    """
    return {**folder.settings_of(deblurrer, float(strength)), "precision": precision}


def digest_of(settings: Mapping[str, Any]) -> str:
    """Settings in 32 hexadecimal digits, as a record of the manifest names them."""
    text = json.dumps(dict(settings), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
