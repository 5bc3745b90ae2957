"""The paper's Fig. 3: blurred, sharp and restored images side by side, with crops."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from unblur import metrics
from unblur.datasets import evenly
from unblur.errors import UnblurError
from unblur.evaluate.crops import worst_crop
from unblur.evaluate.measure import Picture

ROWS = 3
"""Pictures drawn, at most."""
CROP = 160
"""Side of the crops, in pixels."""


def draw(pictures: Sequence[Picture], path: Path) -> None:
    """Draws at most `ROWS` of the pictures, each above its crop with the largest blur.

    Raises:
        UnblurError: if no picture has a sharp version, or the file cannot be written.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    pictures = [p for p in pictures if p.sharp is not None]
    if not pictures:
        raise UnblurError("a figure needs pairs; photos without truth have the page", file=path)
    shown = evenly(pictures, ROWS)
    columns = ["blurred", "sharp", *(f"restored: {name}" for name in shown[0].restored)]
    with mpl.rc_context({"font.size": 8}):
        sheet = Figure(figsize=(3.2 * len(columns), 4.6 * len(shown)), layout="constrained")
        axes = sheet.subplots(2 * len(shown), len(columns), squeeze=False)
        for row, picture in enumerate(shown):
            blurred, sharp = picture.blurred, picture.sharp
            assert sharp is not None
            images = [blurred, sharp, *picture.restored.values()]
            y, x, side = worst_crop(blurred, sharp, CROP)
            for column, image in enumerate(images):
                whole, crop = axes[2 * row][column], axes[2 * row + 1][column]
                whole.imshow(image)
                whole.add_patch(Rectangle((x, y), side, side, fill=False, color="yellow"))
                crop.imshow(image[y : y + side, x : x + side], interpolation="nearest")
                score = "" if image is sharp else f"{metrics.psnr(image, sharp):.2f} dB"
                whole.set_title(columns[column] if row == 0 else "", wrap=True)
                # A name need not be text, and a dollar in it is no formula.
                name = picture.name.encode(errors="backslashreplace").decode()
                crop.set_title(f"{name} {score}", parse_math=False)
                whole.axis("off")
                crop.axis("off")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            sheet.savefig(path, dpi=200)
        except (OSError, ValueError) as error:
            raise UnblurError(f"the figure cannot be written ({error})", file=path) from None
