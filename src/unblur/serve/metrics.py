"""The metrics that Prometheus reads at /metrics."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unblur import __version__
from unblur.serve.queue import PhotoQueue
from unblur.serve.task import Task

_SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300)
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


class Metrics(Collector):
    """A server's counters and gauges; `jobs` returns the number of jobs in each state."""

    def __init__(self, queue: PhotoQueue, jobs: Callable[[], Mapping[str, int]]) -> None:
        to = CollectorRegistry()
        self.registry: CollectorRegistry = to
        self._queue, self._jobs = queue, jobs
        disable_created_metrics()  # they would be a second series for each
        self.requests: Counter = Counter(
            "unblur_requests", "Requests answered", ["method", "route", "status"], registry=to
        )
        self.latency: Histogram = Histogram(
            "unblur_request_seconds",
            "From a request's head to the end of its answer",
            ["route"],
            buckets=_SECONDS,
            registry=to,
        )
        self.photos: Counter = Counter(
            "unblur_photos",
            "Photos that left the queue, by what was done with them and by outcome",
            ["work", "end"],
            registry=to,
        )
        self.seconds: Histogram = Histogram(
            "unblur_photo_seconds",
            "Reading a photo, the work, and writing the answer, without the wait",
            ["work"],
            buckets=_SECONDS,
            registry=to,
        )
        ProcessCollector(registry=to)
        PlatformCollector(registry=to)
        to.register(self)
        queue.on_finished.append(self._count_photo)

    def text(self) -> bytes:
        """All metrics, in Prometheus's text format."""
        return generate_latest(self.registry)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges, measured when they are asked for."""
        yield _by_state("unblur_queue", "Photos in the queue", self._queue.count())
        capacity = self._queue.capacity
        yield GaugeMetricFamily("unblur_queue_places", "Photos that may wait", value=capacity)
        yield _by_state("unblur_jobs", "Jobs kept", self._jobs())
        version = GaugeMetricFamily("unblur_build", "The version", labels=["version"])
        version.add_metric([__version__], 1)
        yield version

    def _count_photo(self, task: Task[object], seconds: float) -> None:
        failed = task.future.exception() is not None
        end = "dropped" if task.cancelled else "failed" if failed else "done"
        self.photos.labels(task.name, end).inc()
        self.seconds.labels(task.name).observe(seconds)


class MetricsMiddleware:
    """Counts requests by route. No label holds text of the client's choice.

    Args:
        routes: all that the app has.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, routes: Sequence[BaseRoute]) -> None:
        self.app: ASGIApp = app
        self.metrics: Metrics = metrics
        self.routes: Sequence[BaseRoute] = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.monotonic()
        status = 0

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_on)
        finally:
            route = _label(self.routes, scope)
            method = scope["method"] if scope["method"] in METHODS else "other"
            self.metrics.requests.labels(method, route, str(status or "gone")).inc()
            self.metrics.latency.labels(route).observe(time.monotonic() - began)


def _by_state(name: str, documentation: str, counts: Mapping[str, int]) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(name, documentation, labels=["state"])
    for state, number in counts.items():
        gauge.add_metric([state], number)
    return gauge


def _label(routes: Sequence[BaseRoute], scope: Scope) -> str:
    for route in routes:
        if isinstance(route, Route) and route.matches(scope)[0] is not Match.NONE:
            return route.path
    return "other"
