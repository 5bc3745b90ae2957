"""What the driver of `unblur bulk` needs for 10 million photos: seconds and peak memory.

The bucket is s3fs whose server is replaced by generated answers, pages of 1,000 keys; the target is
a folder on the disk. Each stage is a process of its own.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fsspec
import s3fs

from benchmarks import BenchmarkError, Figure, Setup, figure
from benchmarks.workers import Worker
from unblur.bulk.manifest import Manifest, Record
from unblur.bulk.plan import make_plan
from unblur.bulk.store import Store

PAGE = 1000
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def run(setup: Setup) -> Iterator[Figure]:
    """Seconds and peak of each stage, and the size of the manifest."""
    photos = 20_000 if setup.quick else 10_000_000
    half = photos // 2
    with tempfile.TemporaryDirectory() as name:
        target, other = str(Path(name) / "target"), str(Path(name) / "other")
        stages: list[tuple[str, Callable[..., None], tuple[Any, ...]]] = [
            ("first start: listing, work list", plan, (other, photos, photos)),
            ("manifest: half written", write, (target, 0, half)),
            ("manifest: half compacted", compact, (target, half)),
            ("second start: half is done", plan, (target, photos, half)),
            ("manifest: other half written", write, (target, half, photos)),
            ("manifest: all compacted", compact, (target, photos)),
            ("third start: all is done", plan, (target, photos, 0)),
        ]
        for stage, function, arguments in stages:
            with Worker() as worker:
                began = time.perf_counter()
                worker.call(function, *arguments)
                seconds, peak = time.perf_counter() - began, worker.peak()
            yield figure(f"{photos:,} photos, seconds", stage, "s", seconds)
            yield figure(f"{photos:,} photos, peak memory", stage, "GB", peak)
        size = sum(item.size for item in Store(target).list("unblur-manifest"))
        yield figure("manifest", "a row on the disk", "bytes", size / photos)
    yield figure("answer of S3", f"{PAGE} keys read from XML", "ms", parsing() * 1000)


def plan(target: str, photos: int, left: int) -> None:
    """Plans a run; raises BenchmarkError unless so many photos are left to do."""
    fsspec.register_implementation("generated", Generated, clobber=True)
    Generated.photos = photos
    made = make_plan("generated://bucket/photos", Store(target), "settings")
    if (made.total, made.skipped) != (left, photos - left):
        raise BenchmarkError(f"{made.total} photos are left to do, {left} were expected")


def write(target: str, start: int, end: int) -> None:
    """Writes records as a run does."""
    manifest = Manifest(Store(target), f"run{start}", seconds=1e9)
    manifest.append(map(record, range(start, end)))
    manifest.flush()


def compact(target: str, rows: int) -> None:
    """Compacts the manifest; raises BenchmarkError unless it has so many rows then."""
    manifest = Manifest(Store(target), "compaction")
    manifest.compact()
    if manifest.counts() != {"done": rows}:
        raise BenchmarkError(f"the manifest has {manifest.counts()}, {rows} were expected")


def record(number: int) -> Record:
    place = key(number).removeprefix("photos/")
    return Record(
        place, f"generated://bucket/{key(number)}", "done", tag(number), "settings", "run", NOW,
        f"s3://results/{place}", None, 1.25 + number % 7, 4_000_000 + number, 4_100_000 + number,
        4000, 3000, tag(number) * 2, f"node-{number % 50}:1234",
    )  # fmt: skip


def key(number: int) -> str:
    return f"photos/{number // 10_000:05d}/IMG_{number:08d}.jpg"


def tag(number: int) -> str:
    # As random as a checksum is, or it would be stored in less.
    return f"{number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128:032x}"


class Generated(s3fs.S3FileSystem):
    """S3 with `photos` objects, whose server answers at once."""

    protocol = "generated"
    photos = 0

    async def _call_s3(self, method: str, *_: Any, **given: Any) -> dict[str, Any]:
        if method == "head_object":
            raise FileNotFoundError
        start = int(given.get("ContinuationToken", 0))
        end = min(start + PAGE, self.photos)
        found = [
            {"Key": key(n), "ETag": f'"{tag(n)}"', "Size": 4_000_000 + n, "LastModified": NOW,
             "StorageClass": "STANDARD"}
            for n in range(start, end)
        ]  # fmt: skip
        more = end < self.photos
        return {"Contents": found, "IsTruncated": more, "NextContinuationToken": str(end)}


def parsing() -> float:
    """Seconds that botocore takes to read the XML of a page, the best of five."""
    from botocore.parsers import create_parser
    from botocore.session import get_session

    model = get_session().get_service_model("s3").operation_model("ListObjectsV2")
    contents = "".join(
        f"<Contents><Key>{key(n)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
        f"<ETag>&quot;{tag(n)}&quot;</ETag><Size>{n}</Size><StorageClass>STANDARD</StorageClass>"
        "</Contents>"
        for n in range(PAGE)
    )
    space = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
    body = f"<ListBucketResult {space}>{contents}</ListBucketResult>".encode()
    parser, times = create_parser("rest-xml"), []
    for _ in range(5):
        began = time.perf_counter()
        answer = {"status_code": 200, "headers": {}, "body": body, "context": {}}
        found = parser.parse(answer, model.output_shape)
        times.append(time.perf_counter() - began)
        if len(found["Contents"]) != PAGE:
            raise BenchmarkError("the page was not read")
    return min(times)
