"""`unblur serve`: a web page and an HTTP API in one process."""

from __future__ import annotations

import ipaddress
import logging
import signal
import sys

from unblur.serve.settings import Settings


def run(settings: Settings) -> None:
    """Serves until SIGTERM or Ctrl-C, and finishes the requests in progress.

    Raises:
        ModelError: if a model cannot be loaded.
        JobsError: if the folder of jobs cannot be used.
        ListenError: if the address and port cannot be listened on.
    """
    from unblur.inference.foreign import LOG
    from unblur.serve import malloc
    from unblur.serve.app import create_app
    from unblur.serve.slow_clients import listen, make_server

    malloc.configure()
    logging.basicConfig(format="unblur: %(message)s", level=logging.WARNING)
    LOG.setLevel(logging.INFO)
    socket = listen(settings)
    app = create_app(settings)
    for name, model in app.state.queue.models.items():
        if note := model.deblurrer().note:
            print(f"unblur: {name}: {note}", file=sys.stderr)
    server = make_server(app, settings)
    # uvicorn raises the signal again when it has ended, but an orderly stop exits with 0.
    before = {s: signal.signal(s, lambda *_: None) for s in (signal.SIGTERM, signal.SIGINT)}
    host, port = socket.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    if not settings.token and not ipaddress.ip_address(host).is_loopback:
        print(
            "unblur: there is no --token: any client that reaches this address can use it",
            file=sys.stderr,
        )
    print(f"unblur: http://{shown}:{port}", file=sys.stderr, flush=True)
    try:
        server.run([socket])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
