"""What the formats share in their use of libvips: loading, saving, and its error messages."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import pyvips

from unblur.errors import Hint, PhotoError, TooManyPixelsError

# No operation is repeated with the same operands; cached ones would hold files and memory.
pyvips.cache_set_max(0)

KEEP_ALL, KEEP_NO_EXIF, KEEP_NO_EXIF_NO_IPTC, KEEP_NONE = 31, 30, 26, 0
"""Values of the savers' option `keep`: which metadata libvips writes."""


def load(loader: str, file: BinaryIO, max_pixels: int | None, kind: str = "") -> Any:
    """Open a picture lazily: only the header is decoded.

    Args:
        loader: libvips' name of the format.
        file: at its start; may be closed afterwards.
        max_pixels: the limit of width times height; None for none.
        kind: the format's name, if it is another.

    Raises:
        PhotoError: if the header is damaged, there are several pages or frames, or too many pixels.
    """
    kind = kind or loader
    try:
        if isinstance(file, io.BytesIO):
            # From a buffer, which libvips copies: a source would not keep the bytes alive.
            operation, source = f"{loader}load_buffer", file.getvalue()
        else:
            # From a descriptor: libvips takes a name for UTF-8, and brackets in it for options.
            operation = f"{loader}load_source"
            source = pyvips.Source.new_from_descriptor(file.fileno())
        image: Any = pyvips.Operation.call(operation, source, fail_on="error")
        image.get_fields()
    except pyvips.Error as error:
        raise PhotoError(f"is a {kind.upper()} file that is damaged ({reason(error)})") from None
    except UnicodeDecodeError:  # a metadata field's name
        raise PhotoError(f"is a {kind.upper()} file that is damaged (a name is no text)") from None
    if image.get_typeof("n-pages") and image.get("n-pages") > 1:
        what = "has several pages" if kind == "tiff" else "is animated or has several pictures"
        raise PhotoError(f"{what}; a single picture was expected")
    check_size(image.width, image.height, max_pixels)
    return image


def check_size(width: int, height: int, max_pixels: int | None) -> None:
    """Raise TooManyPixelsError if there are more pixels than the limit."""
    if max_pixels is not None and width * height > max_pixels:
        raise TooManyPixelsError(
            f"has {width}x{height} pixels, more than the limit of {max_pixels}",
            hint=Hint("max-pixels"),
            limit=max_pixels,
        )


def decoded_bytes(image: Any) -> int:
    """The size of all pixels, in bytes."""
    sample = {"uchar": 1, "char": 1, "ushort": 2, "short": 2}.get(image.format, 4)
    return image.width * image.height * image.bands * sample


@contextmanager
def decoding() -> Iterator[None]:
    """Turn libvips' errors into PhotoErrors that say that the file is damaged."""
    try:
        yield
    except pyvips.Error as error:
        raise PhotoError(f"is damaged or truncated ({reason(error)})") from None


def reason(error: pyvips.Error) -> str:
    """The first cause in libvips' message, whose first line only names the operation."""
    lines = [line.strip() for line in str(error).splitlines()]
    return lines[1] if len(lines) > 1 and lines[1] else lines[0]


def set_blob(image: Any, field: str, data: bytes) -> None:
    image.set_type(pyvips.GValue.blob_type, field, data)


def save_streamed(
    image: Any, kind: str, options: dict[str, Any], begin: Callable[[bytes], bytes], file: BinaryIO
) -> None:
    """Save without holding the encoded file in memory.

    Args:
        kind: libvips' name of the format.
        begin: turns the first bytes that libvips writes, 64 or more, into those of the file.
            It must not raise: it is called from C.
    """
    failures: list[OSError] = []
    start = bytearray()
    started = False

    def on_write(data: Any) -> int:
        nonlocal started
        try:
            if started:
                file.write(data)
            else:
                start.extend(data)
                if len(start) >= 64:
                    file.write(begin(bytes(start)))
                    started = True
        except OSError as error:
            failures.append(error)
            return -1
        return len(data)

    target = pyvips.TargetCustom()
    target.on_write(on_write)
    try:
        getattr(image, f"{kind}save_target")(target, **options)
    finally:
        if failures:
            raise failures[0] from None
