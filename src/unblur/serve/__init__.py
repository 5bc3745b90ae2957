"""`unblur serve`: a web page and an HTTP API in one process."""

from __future__ import annotations

import logging
import signal
import sys
from types import FrameType

from unblur.serve.settings import Settings


def run(settings: Settings) -> None:
    """Serves until SIGTERM or Ctrl-C; then what is at work is finished first.

    Raises:
        ModelError: if a model is not to be had.
        JobsError: if the folder of jobs cannot be used.
        ListenError: if there is no listening at this address and port.
    """
    import uvicorn

    from unblur.serve.app import create_app
    from unblur.serve.connections import listen, protocol

    socket = listen(settings)
    app = create_app(settings)
    logging.basicConfig(format="unblur: %(message)s", level=logging.WARNING)
    config = uvicorn.Config(
        app,
        http=protocol(settings),
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=settings.connections,
        timeout_graceful_shutdown=round(settings.stop_seconds),
    )

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            if not self.should_exit:
                print("unblur: finishing what is at work", file=sys.stderr, flush=True)
                app.state.stop()
            super().handle_exit(sig, frame)

    # uvicorn raises the signal again when it has ended; that was no failure.
    before = {s: signal.signal(s, lambda *_: None) for s in (signal.SIGTERM, signal.SIGINT)}
    host, port = socket.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    print(f"unblur: http://{shown}:{port}", file=sys.stderr, flush=True)
    try:
        Server(config).run([socket])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
