"""What the formats share in their use of libvips: loading, saving, and its error messages."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import pyvips

from unblur.errors import Hint, PhotoError, TooManyPixelsError, UnknownFormatError

# No operation is repeated with the same operands; cached ones would hold files and memory.
pyvips.cache_set_max(0)

KEEP_ALL, KEEP_NO_EXIF, KEEP_NO_EXIF_NO_IPTC, KEEP_NONE = 31, 30, 26, 0
"""Values of the savers' option `keep`: which metadata libvips writes."""

# In the messages of libvips, libtiff, libjpeg-turbo, libheif and libspng.
_UNSUPPORTED = re.compile(
    r"(?i)unsupported|not (?:supported|configured|implemented)|unimplemented|unknown compression"
    r"|cannot handle|not a whole number of bytes|samples out of range|bad lab. format"
    r"|unknown pseudo-tag"
)


def load(
    loader: str,
    file: BinaryIO,
    max_pixels: int | None,
    kind: str = "",
    page: int | None = None,
    strict: bool = True,
) -> Any:
    """Open a picture lazily: only the header is decoded.

    Args:
        loader: libvips' name of the format.
        file: at its start. It may be closed afterwards, but not read: libvips goes on reading from
            its descriptor, and the two would share one offset.
        max_pixels: the limit of width times height; None for none.
        kind: the format's name, if it is another.
        page: which of several is the photo.
        strict: whether any error ends the decoding, not only missing pixels.

    Raises:
        PhotoError: if the header is damaged, there are several pages or frames and none is named,
            or too many pixels.
        UnknownFormatError: if libvips cannot read a valid file of this kind.
    """
    kind = kind or loader
    options: dict[str, Any] = {"fail_on": "error" if strict else "truncated"}
    options |= {} if page is None else {"page": page}
    try:
        if isinstance(file, io.BytesIO):
            # From a buffer, which libvips copies: a source would not keep the bytes alive.
            operation, source = f"{loader}load_buffer", file.getvalue()
        else:
            # From a descriptor: libvips takes a name for UTF-8, and brackets in it for options.
            operation = f"{loader}load_source"
            source = pyvips.Source.new_from_descriptor(file.fileno())
        image: Any = pyvips.Operation.call(operation, source, **options)
        image.get_fields()
    except pyvips.Error as error:
        if is_unsupported(error):
            raise unsupported(reason(error), kind) from None
        raise PhotoError(f"is {_a(kind)} file that is damaged ({reason(error)})") from None
    except UnicodeDecodeError:  # a metadata field's name
        raise PhotoError(f"is {_a(kind)} file that is damaged (a name is no text)") from None
    if page is None and image.get_typeof("n-pages") and image.get("n-pages") > 1:
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
    """Turn libvips' errors into PhotoErrors: the file is damaged, or of a kind it cannot read."""
    try:
        yield
    except pyvips.Error as error:
        if is_unsupported(error):
            raise unsupported(reason(error)) from None
        raise PhotoError(f"is damaged or truncated ({reason(error)})") from None


def reason(error: pyvips.Error) -> str:
    """The first cause in libvips' message, whose first line only names the operation."""
    first, *causes = [line.strip() for line in str(error).splitlines() if line.strip()]
    # libheif looks beyond the end of a file, which is no cause.
    told = [line for line in causes if "bad seek" not in line]
    return (told or causes or [first])[0]


def unsupported(
    why: str, kind: str = "", advice: str = "convert it to PNG or to a plain TIFF first"
) -> UnknownFormatError:
    """The error for a valid file that libvips cannot read.

    Args:
        why: what it has that is not supported.
        kind: of the format.
    """
    what = f"is {_a(kind)} file of a kind" if kind else "is of a kind"
    return UnknownFormatError(f"{what} that is not supported ({why}); {advice}")


def _a(kind: str) -> str:
    return f"an {kind.upper()}" if kind == "avif" else f"a {kind.upper()}"


def is_unsupported(error: Exception) -> bool:
    """Whether a library's message says that a file is of a kind that it cannot read."""
    return _UNSUPPORTED.search(str(error)) is not None


def blob(image: Any, field: str) -> bytes:
    """The content of a field; empty if there is none."""
    return image.get(field) if image.get_typeof(field) else b""


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
