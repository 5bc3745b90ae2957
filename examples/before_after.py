"""Put photos and their deblurred versions side by side into one picture.

python examples/before_after.py BLURRED_DIR DEBLURRED_DIR OUT.png
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pyvips


def main(blurred: Path, deblurred: Path, out: Path) -> None:
    names = sorted(p.name for p in deblurred.glob("[!.]*") if (blurred / p.name).is_file())
    if not names:
        sys.exit(f"{deblurred}: no photo with the name of one in {blurred}")
    sheet: Any = None
    for name in names:
        before, after = (pyvips.Image.new_from_file(str(d / name)) for d in (blurred, deblurred))
        row = before.join(after, "horizontal", shim=8, background=[255.0])
        space = {"shim": 8, "expand": True, "background": [255.0]}
        sheet = row if sheet is None else sheet.join(row, "vertical", **space)
    sheet.write_to_file(str(out))
    print(f"{out}  {sheet.width}x{sheet.height}, before on the left, after on the right")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit((__doc__ or "").strip())
    main(*map(Path, sys.argv[1:]))
