"""Array in, sharp array out: the engine, the tiling, and every kind of image."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from unblur import photo
from unblur.engine import Device, Engine, Precision
from unblur.gate import gate
from unblur.tiling import run_tiled

Kind = TypeVar("Kind")


class Deblurrer:
    """A loaded model: `deblurrer(array)` gives the sharp array.

    Args:
        model: the name of a bundled model, or an ONNX file.
        device: "auto", "cpu" or "gpu".
        tile: largest side that is given to the network at once; the model's own by default.
        precision: of the computation on a CPU: "auto" (bf16 where the processor has it), "f32",
            "bf16".

    Raises:
        ModelError: if the model or the device is not to be had.
    """

    def __init__(
        self,
        model: str | Path = "default",
        device: Device = "auto",
        *,
        tile: int | None = None,
        precision: Precision = "auto",
    ) -> None:
        self.engine = Engine(model, device, precision)
        self.tile = tile or self.engine.contract.tile

    def __call__(self, image: np.ndarray, strength: float = 1.0) -> np.ndarray:
        """Deblurs an array. What needs no deblurring (see `gate`) comes back as it was.

        Args:
            image: (h, w) or (h, w, c) of uint8, uint16, or floats in [0, 1]; c is 1 grey, 2 grey
                and alpha, 3 RGB, 4 RGBA. Alpha is handed through.
            strength: 0 gives the input back, 1 is the full effect, between blends.

        Returns:
            An array of the same shape and dtype.

        Raises:
            ValueError: for another shape, dtype or strength.
        """
        _check(image, strength)
        if 0 in image.shape:
            return image.copy()
        pixels = image[..., None] if image.ndim == 2 else image
        colours = pixels.shape[2] - 1 + pixels.shape[2] % 2
        peak = float(np.iinfo(image.dtype).max) if image.dtype.kind == "u" else 1.0
        colour = pixels[..., :colours].astype(np.float32) / np.float32(peak)
        rgb = np.repeat(colour, 3, axis=2) if colours == 1 else colour
        contract = self.engine.contract
        sharp = run_tiled(self.engine, rgb * 2 - 1, self.tile, contract.overlap, contract.multiple)
        sharp = (sharp.mean(2, keepdims=True) if colours == 1 else sharp) / 2 + 0.5
        change = sharp - colour
        colour += np.float32(strength) * gate(change) * change
        out = pixels.copy()
        if image.dtype.kind == "u":
            out[..., :colours] = np.rint(colour.clip(0, 1) * np.float32(peak))
        else:
            out[..., :colours] = colour
        return out.reshape(image.shape)


def deblur(image: Kind, *, strength: float = 1.0, model: str | Path = "default") -> Kind:
    """Deblurs an image and gives back the kind that it was given.

    Args:
        image: an array (see `Deblurrer`), a PIL image, the bytes of a JPEG, PNG or WebP file, or
            the path of one. A path's result is written beside it as NAME-deblurred, and that path
            is returned.
        strength: 0 gives the input back, 1 is the full effect.
        model: the name of a bundled model, or an ONNX file.

    Raises:
        TypeError: for another kind.
        PhotoError: if a file or its bytes cannot be read, or the result exists already.
    """
    given: Any = image
    deblurrer = Deblurrer(model)
    if isinstance(given, np.ndarray):
        return deblurrer(given, strength)  # pyright: ignore[reportReturnType]
    if isinstance(given, bytes):
        return _deblur_bytes(deblurrer, given, strength)[0]  # pyright: ignore
    if isinstance(given, (str, Path)):
        out = beside(Path(given))
        deblur_file(deblurrer, Path(given), out, strength)
        return type(given)(out)  # pyright: ignore[reportReturnType]
    if hasattr(given, "getbands"):
        return _deblur_pil(deblurrer, given, strength)
    raise TypeError(f"an array, a PIL image, bytes or a path was expected, not {type(image)}")


def deblur_file(
    deblurrer: Deblurrer, path: Path, out: Path, strength: float = 1.0, overwrite: bool = False
) -> bool:
    """Deblurs a photo into a new file; one that needs no deblurring is copied byte for byte.

    Returns:
        Whether anything was deblurred.

    Raises:
        PhotoError: if it cannot be read or written; nothing is left half-written.
    """
    if not overwrite:
        photo.check_free(out)
    source = photo.read_bytes(path)
    data, changed = _deblur_bytes(deblurrer, source, strength, photo.format_of(out))
    photo.save(data, out, overwrite)
    return changed


def beside(path: Path) -> Path:
    """Where the result goes when nobody says: photo.jpg becomes photo-deblurred.jpg."""
    return path.with_name(f"{path.stem}-deblurred{path.suffix}")


def _deblur_bytes(
    deblurrer: Deblurrer, source: bytes, strength: float, kind: str | None = None
) -> tuple[bytes, bool]:
    """The bytes of the result, and whether they are of other pixels than the source's."""
    picture = photo.read(source)
    pixels = deblurrer(picture.pixels, strength)
    changed = not np.array_equal(pixels, picture.pixels)
    if changed or kind not in (None, picture.format):
        return photo.encode(picture, pixels, kind), changed
    return source, False


def _deblur_pil(deblurrer: Deblurrer, image: Any, strength: float) -> Any:
    if image.mode not in ("L", "LA", "RGB", "RGBA", "I;16"):
        raise ValueError(
            f"PIL images of mode L, LA, RGB, RGBA, I;16 can be taken, not {image.mode}"
        )
    from PIL import Image

    pixels = deblurrer(np.asarray(image), strength)
    out = Image.frombytes(image.mode, image.size, pixels.tobytes())
    out.info = dict(image.info)
    return out


def _check(image: np.ndarray, strength: float) -> None:
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (1, 2, 3, 4)):
        raise ValueError(f"an array (h, w) or (h, w, 1 to 4) was expected, not {image.shape}")
    if image.dtype not in (np.uint8, np.uint16) and image.dtype.kind != "f":
        raise ValueError(f"uint8, uint16 or floats in [0, 1] were expected, not {image.dtype}")
    if not 0 <= strength <= 1:
        raise ValueError(f"strength must be 0 to 1, not {strength}")
    if image.dtype.kind == "f" and not np.isfinite(image).all():
        raise ValueError("the array holds values that are not finite")
