"""Methods of HTTP that follow from those of the routes: HEAD, OPTIONS, and 405 for the others."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class MethodsMiddleware:
    """Answers HEAD as GET without the body, and OPTIONS by the methods of the path.

    RFC 9110, sections 9.3.2, 9.3.7 and 15.5.6. FastAPI's own routes know only the methods that
    they were declared with.

    Args:
        routes: all that the app has.
    """

    def __init__(self, app: ASGIApp, routes: Sequence[BaseRoute]) -> None:
        self.app: ASGIApp = app
        self.routes: Sequence[BaseRoute] = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        asked = scope["method"]
        methods = self._methods(scope)
        allowed = {"allow": ", ".join(sorted(methods))}
        if methods and asked == "OPTIONS":
            await Response(status_code=204, headers=allowed)(scope, receive, send)
        elif methods and asked not in methods:
            refused = JSONResponse({"detail": "Method Not Allowed"}, 405, allowed)
            await refused(scope, receive, send)
        elif asked == "HEAD":
            await self.app({**scope, "method": "GET"}, receive, _without_body(send))
        else:
            await self.app(scope, receive, send)

    def _methods(self, scope: Scope) -> set[str]:
        """The methods that the path has; none if no route is of this path."""
        methods = set[str]()
        for route in self.routes:
            if isinstance(route, Route) and route.matches(scope)[0] is not Match.NONE:
                methods |= set(route.methods or ())
        return methods | ({"HEAD"} if "GET" in methods else set())


def _without_body(send: Send) -> Send:
    """Passes on the head of an answer, and ends it where its body begins: a stream has no end.

    The server then tells the route that the client has left.
    """
    ended = False

    async def send_on(message: Message) -> None:
        nonlocal ended
        if message["type"] == "http.response.start":
            await send(message)
        elif not ended:
            ended = True
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return send_on
