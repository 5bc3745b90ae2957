"""`unblur serve`: the web page and the HTTP API."""

from __future__ import annotations

from unblur.cli.errors import needs, reported
from unblur.cli.options import takes
from unblur.serve.settings import Settings


@takes(Settings)
def serve(settings: Settings) -> None:
    """Serve a web page and an HTTP API. Options can be set in the environment, as UNBLUR_PORT."""
    with needs("serve"), reported():
        from unblur.serve import run

        run(settings)
