"""The errors of unblur: each carries its facts; the program that shows it words the advice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Action = Literal[
    "overwrite", "max-pixels", "format", "codec", "install", "jobs", "tile", "resume",
    "data", "processes", "content-weights", "metric", "copy", "alone", "format-alone",
    "trust", "add", "add-again", "go-on", "name", "remove",
]  # fmt: skip

_WORDS: dict[Action, str] = {
    "overwrite": "allow overwriting to replace it",
    "max-pixels": "raise the limit to take it",
    "format": "write it as {values}",
    "codec": "choose another codec ({values})",
    "install": "pip install 'unblur[{values}]'",
    "jobs": "work on fewer at a time",
    "tile": "use smaller tiles",
    "resume": "resume the run to continue it",
    "data": "name folders of pairs or of photos",
    "processes": "use fewer processes",
    "content-weights": "name a file of content weights",
    "metric": "choose another metric ({values})",
    "copy": "copy it instead",
    "alone": "deblur it by itself, into another file",
    "format-alone": "deblur it by itself and write it as {values}",
    "trust": "pass trust=True to open it",
    "add": "`unblur models add {values}` fetches it",
    "add-again": "`unblur models add {values} --overwrite` adds it again",
    "name": "choose another name",
    "remove": "`unblur models remove {values}` removes it",
    "go-on": "the next time it goes on from there",
}


@dataclass(frozen=True)
class Hint:
    """What may help.

    Attributes:
        action: which choice of the caller's it is about.
        values: what to choose: for "format" (and "format-alone", for one of several photos), names
            of formats, each of which is a file name ending as well; for "codec", names of codecs;
            for "install", an extra of the package.
    """

    action: Action
    values: tuple[str, ...] = ()


class NotKeptWarning(UserWarning):
    """A result does not have all that its photo's file has: a warning of the Python API."""


class UnblurError(Exception):
    """Something is wrong with the input or the machine, not with the program.

    `str(error)` is one line: the file, the reason, and the hint in the library's words. A program
    with options of its own words the hint by `message`.

    Attributes:
        reason: what is wrong and what was expected, to be read behind a file's name.
        file: what it is about, unless that is the input, which the caller knows.
        hint: what may help.
        limit: the number that was exceeded.
    """

    def __init__(
        self,
        reason: str = "",
        *,
        file: Path | None = None,
        hint: Hint | None = None,
        limit: float | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason: str = reason
        self.file: Path | None = file
        self.hint: Hint | None = hint
        self.limit: float | None = limit

    def message(self, words: Mapping[Action, str]) -> str:
        """The error as one line.

        Args:
            words: the hint's wording for each action, in which `{values}` stands for its values;
                "" leaves the hint out. What it lacks is said in the library's words.
        """
        text = f"{self.file}: {self.reason}" if self.file is not None else self.reason
        if self.hint is None:
            return text
        advice = {**_WORDS, **words}[self.hint.action]
        values = " or ".join(", ".join(self.hint.values).rsplit(", ", 1))
        return f"{text}; {advice.format(values=values)}" if advice else text

    def __str__(self) -> str:
        return self.message({})


class PhotoError(UnblurError):
    """A photo that cannot be read or written."""


class UnknownFormatError(PhotoError):
    """The file is no picture of a format that can be read."""


class TooManyPixelsError(PhotoError):
    """The photo is larger than allowed; `limit` is the number of pixels."""


class CannotHoldError(PhotoError):
    """The format that was asked for cannot hold the photo."""


class VideoError(UnblurError):
    """A video that cannot be read or written."""


class DamagedError(VideoError):
    """A video that cannot be decoded to its end, however often it is tried."""


class ResumeError(UnblurError):
    """A folder that these results cannot go into."""


class ModelError(UnblurError):
    """A model that cannot be used."""


class DownloadError(UnblurError):
    """A file that cannot be downloaded; what has come of it is kept, unless it is wrong."""


class CheckpointError(UnblurError):
    """A checkpoint that cannot be used."""


class ContentWeightsError(UnblurError):
    """Content weights that cannot be used or are missing."""


class ConfigError(UnblurError):
    """A training configuration that cannot be used."""


class TrainError(UnblurError):
    """A training run that cannot start or continue."""


class RankLostError(TrainError):
    """A process of a training run ended before the others; its last checkpoint can be resumed."""


class ExportError(UnblurError):
    """The exported network does not compute what the trained one does."""


class QuantisationError(UnblurError):
    """A network that cannot be quantised to 8 bits."""


class DataError(UnblurError):
    """Data that cannot be used."""


class SplitError(DataError):
    """The dataset holds only its other split."""


class MetricError(UnblurError):
    """A metric that is unknown, not installed, or does not fit the images."""


class CostError(UnblurError):
    """The cost of a model cannot be measured."""


class TorchvisionError(UnblurError):
    """torchvision is missing or cannot be imported."""


class BusyError(UnblurError):
    """The queue is full; `retry_after` estimates the seconds until it has room."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"the server is busy; try again in {retry_after} s")
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[type, tuple[int]]:
        return type(self), (self.retry_after,)


class TaskCancelledError(UnblurError):
    """A task of the server's queue was cancelled, by its client or by a stop of the server."""


class JobsError(UnblurError):
    """A folder that cannot hold the server's jobs."""


class ListenError(UnblurError):
    """An address or a port that cannot be listened on."""
