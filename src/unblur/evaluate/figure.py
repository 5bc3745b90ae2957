"""The paper's Fig. 3: blurred, sharp and restored images side by side, with details."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from unblur import metrics
from unblur.errors import UnblurError
from unblur.evaluate.picture import Picture, chosen

ROWS = 3
"""Pictures drawn, at most."""


def draw(pictures: Sequence[Picture], path: Path) -> None:
    """Draws some of the pictures, each with a detail at full size below: where blur costs most.

    Raises:
        UnblurError: if the file cannot be written.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    shown = [pictures[index] for index in sorted(chosen(len(pictures), ROWS))]
    columns = ["blurred", "sharp", *(f"restored: {name}" for name in shown[0].restored)]
    with mpl.rc_context({"font.size": 8}):
        sheet = Figure(figsize=(3.2 * len(columns), 4.6 * len(shown)), layout="constrained")
        axes = sheet.subplots(2 * len(shown), len(columns), squeeze=False)
        for row, picture in enumerate(shown):
            blurred, sharp = picture.blurred, picture.sharp
            assert sharp is not None
            images = [blurred, sharp, *picture.restored.values()]
            y, x, side = _worst_place(blurred, sharp)
            for column, image in enumerate(images):
                whole, detail = axes[2 * row][column], axes[2 * row + 1][column]
                whole.imshow(image)
                whole.add_patch(Rectangle((x, y), side, side, fill=False, color="yellow"))
                detail.imshow(image[y : y + side, x : x + side], interpolation="nearest")
                score = "" if image is sharp else f"{metrics.psnr(image, sharp):.2f} dB"
                whole.set_title(columns[column] if row == 0 else "", wrap=True)
                detail.set_title(f"{picture.name} {score}")
                whole.axis("off")
                detail.axis("off")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            sheet.savefig(path, dpi=200)
        except (OSError, ValueError) as error:
            raise UnblurError(f"{path}: the figure cannot be written ({error})") from None


def _worst_place(blurred: np.ndarray, sharp: np.ndarray) -> tuple[int, int, int]:
    """Top, left and side of the square in which the two differ most."""
    height, width = sharp.shape[:2]
    side = min(160, height, width)
    error = ((blurred.astype(np.float64) - sharp) ** 2).sum(2)
    total = np.pad(error.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    sums = total[side:, side:] - total[:-side, side:] - total[side:, :-side] + total[:-side, :-side]
    y, x = np.unravel_index(sums.argmax(), sums.shape)
    return int(y), int(x), side
