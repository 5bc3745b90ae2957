"""Makes a file to publish of a run's checkpoint: weights in float16, everything else as it is.

python models/pack.py runs/paper/best.safetensors models/paper.safetensors
"""

from __future__ import annotations

import sys
from pathlib import Path

from unblur.errors import UnblurError
from unblur.nets import checkpoint
from unblur.training import config as configs


def main(source: Path, target: Path) -> int:
    """0 if it was written, 1 with one line of why not."""
    try:
        weights, config, provenance = checkpoint.load_weights(source)
    except UnblurError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    half = {name: w.half() if w.is_floating_point() else w for name, w in weights.items()}
    target.parent.mkdir(parents=True, exist_ok=True)
    checkpoint.save_weights(target, half, configs.without_paths(config), provenance)
    print(f"{target}: {target.stat().st_size / 2**20:.1f} MiB")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit((__doc__ or "").strip())
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
