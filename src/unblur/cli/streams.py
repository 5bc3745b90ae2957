"""Standard streams that are closed, full, or broken pipes."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from unblur.cli.errors import FAILED
from unblur.cli.output import say


@contextmanager
def standard_streams() -> Iterator[None]:
    """Makes the standard streams safe to use while the program runs.

    What standard output does not take any more is dropped, and the work goes on; the program then
    ends with one line about it, and as failed. A broken pipe (`| head`) ends it at once, with no
    line: nobody reads on. What standard error does not take is dropped.

    Raises:
        SystemExit: in the end, with the exit code.
    """
    for descriptor in range(3):
        _hold(descriptor)
    out, error = _Descriptor(1, pipes_end=True), _Descriptor(2)
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - a descriptor, which fails
    before = sys.stdout, sys.stderr
    # Streams that a caller has put in their place are left alone.
    if sys.stdout is sys.__stdout__:
        sys.stdout = _text(out, sys.stdout)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _text(error, sys.stderr)
    try:
        yield
    except SystemExit as end:
        raise SystemExit(_ended(out, end.code)) from None
    finally:
        sys.stdout, sys.stderr = before


def _ended(out: _Descriptor, code: Any) -> Any:
    """Writes what is left; returns the exit code, which is a failure's if that fails."""
    with suppress(BrokenPipeError):
        sys.stdout.flush()
    error = out.error
    if error is not None and not isinstance(error, BrokenPipeError):
        closed = error.errno == errno.EBADF
        say(f"standard output {'is closed' if closed else f'takes no more ({error.strerror})'}")
    sys.stderr.flush()
    return code if error is None else code or FAILED


def _hold(descriptor: int) -> None:
    """Opens a standard descriptor that is closed.

    Else the next file that is opened would have its number, and what any library writes to
    standard error would go into that file. The way is the wrong one, so that use fails as if it
    were closed, but on standard error, to which everybody writes.
    """
    try:
        os.fstat(descriptor)
    except OSError:
        wrong = (os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)[descriptor]
        held = os.open(os.devnull, wrong)
        if held != descriptor:
            os.dup2(held, descriptor)
            os.close(held)
        os.set_inheritable(descriptor, True)  # for the processes that the program starts


class _Descriptor(io.RawIOBase):
    """Writes to a descriptor, and drops what it does not take.

    Attributes:
        error: the first failure, after which everything is dropped.
    """

    def __init__(self, descriptor: int, pipes_end: bool = False) -> None:
        self._descriptor, self._pipes_end = descriptor, pipes_end
        self.error: OSError | None = None

    def write(self, data: Any, /) -> int:
        size = memoryview(data).nbytes
        if self.error is not None:
            return size
        try:
            return os.write(self._descriptor, data)
        except OSError as error:
            self.error = error
            if self._pipes_end and isinstance(error, BrokenPipeError):
                raise
            return size

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)


def _text(raw: _Descriptor, like: Any) -> Any:
    """A text stream with the encoding of another, which may be missing; it takes any text."""
    if os.name == "nt" and like is not None and like.isatty():
        return like  # Windows' terminal, which takes text, not bytes
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=getattr(like, "encoding", "utf-8"),
        # A name of a file need not be text, nor text of this encoding.
        errors="backslashreplace",
        line_buffering=raw.fileno() == 2 or raw.isatty(),
    )
