"""What Prometheus reads at /metrics."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping

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
from starlette.routing import Match, Mount, Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unblur import __version__
from unblur.serve.queue import Task, Work

_SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300)


class Measures(Collector):
    """The counters of one server; of itself it tells what is to be asked for at the moment.

    Args:
        jobs: gives the number of jobs in each state.
    """

    def __init__(self, work: Work, jobs: Callable[[], Mapping[str, int]]) -> None:
        self.registry = CollectorRegistry()
        self._work, self._jobs = work, jobs
        disable_created_metrics()  # a second series for each
        kept = self.registry
        self.requests = Counter(
            "unblur_requests", "Requests answered", ["method", "route", "status"], registry=kept
        )
        self.latency = Histogram(
            "unblur_request_seconds",
            "From a request's head to the end of its answer",
            ["route"],
            buckets=_SECONDS,
            registry=kept,
        )
        self.photos = Counter(
            "unblur_photos",
            "Photos that left the queue, by what became of them",
            ["end"],
            registry=kept,
        )
        self.seconds = Histogram(
            "unblur_photo_seconds",
            "Reading, deblurring and writing a photo, without its wait",
            buckets=_SECONDS,
            registry=kept,
        )
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.registry.register(self)
        work.finished.append(self._photo)

    def text(self) -> bytes:
        """In Prometheus's format."""
        return generate_latest(self.registry)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        queue = GaugeMetricFamily("unblur_queue", "Photos in the queue", labels=["state"])
        for state, number in self._work.count().items():
            queue.add_metric([state], number)
        yield queue
        yield GaugeMetricFamily("unblur_queue_places", "Places of it", value=self._work.places)
        jobs = GaugeMetricFamily("unblur_jobs", "Jobs kept", labels=["state"])
        for state, number in self._jobs().items():
            jobs.add_metric([state], number)
        yield jobs
        version = GaugeMetricFamily("unblur_build", "The version", labels=["version"])
        version.add_metric([__version__], 1)
        yield version

    def _photo(self, task: Task[object], seconds: float) -> None:
        failed = task.future.exception() is not None
        self.photos.labels("dropped" if task.cancelled else "failed" if failed else "done").inc()
        self.seconds.observe(seconds)


class Measured:
    """Middleware that counts what is asked, by its route: never by what a client may make up."""

    def __init__(self, app: ASGIApp, measures: Measures, router: Router) -> None:
        self.app = app
        self.measures = measures
        self.router = router

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
            route = _route(self.router, scope)
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self.measures.requests.labels(method, route, str(status or "gone")).inc()
            self.measures.latency.labels(route).observe(time.monotonic() - began)


_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def _route(router: Router, scope: Scope) -> str:
    for route in router.routes:
        match, _ = route.matches(scope)
        if match is not Match.NONE and isinstance(route, Mount):
            return "page"
        if match is not Match.NONE and isinstance(route, Route):
            return route.path
    return "other"
