"""Checks of host, origin and token, and the security headers of every response.

Every web page that a user visits can send requests to a server on localhost, and can read the
responses under a host name that it lets resolve to 127.0.0.1 (DNS rebinding). So the `Host` header
must hold a name of the server, and requests that change something must not come from another site.

Starlette's TrustedHostMiddleware does not fit: it knows no addresses and no exempt paths, and
answers in plain text.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import socket

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unblur.serve.settings import Settings

HEALTH = ("/healthz", "/readyz")
"""Probes know neither the server's name nor its token."""
API = ("/v1", "/metrics", "/openapi.json", *HEALTH)

_ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
_API_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
# Nothing is loaded from other servers, and nothing that is written into the page is run.
_PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


class SecurityMiddleware:
    """Refuses requests by host, origin and token, and adds the security headers."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._hosts = {"localhost", _bare(settings.host), _bare(socket.gethostname())}
        self._hosts |= {_bare(host) for host in settings.allow_host}
        self._origins = {origin.rstrip("/").lower() for origin in settings.allow_origin}
        self._token = _digest(settings.token.encode()) if settings.token else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            # There are no web sockets.
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        is_api = scope["path"].startswith(API)

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                add = MutableHeaders(raw=message.setdefault("headers", []))
                for name, value in _ALWAYS.items():
                    add.setdefault(name, value)
                add["content-security-policy"] = _API_POLICY if is_api else _PAGE_POLICY
                if is_api and add.get("cache-control", "no-cache") == "no-cache":
                    # FastAPI's streams of events bring the weaker word.
                    add["cache-control"] = "no-store"
            await send(message)

        app = self._refusal(scope, headers) or self.app
        await app(scope, receive, send_on)

    def _refusal(self, scope: Scope, headers: Headers) -> JSONResponse | None:
        if scope["path"] in HEALTH:
            return None
        host = headers.get("host", "")
        if not self._is_known(host):
            return _refuse(
                421,
                "the host name in the request is not known; unblur serve --allow-host NAME allows"
                " it",
            )
        if scope["method"] not in ("GET", "HEAD", "OPTIONS") and self._is_foreign(headers, host):
            return _refuse(
                403,
                "the request comes from a page of another site; unblur serve --allow-origin"
                " https://SITE allows it",
            )
        preflight = scope["method"] == "OPTIONS" and "access-control-request-method" in headers
        if self._token and not preflight and not self._has_token(headers):
            kind = "Bearer" if scope["path"].startswith(API) else 'Basic realm="unblur"'
            return _refuse(401, "the token is missing or wrong", {"www-authenticate": kind})
        return None

    def _is_known(self, host: str) -> bool:
        name = _bare(host)
        return "*" in self._hosts or name in self._hosts or _is_address(name)

    def _is_foreign(self, headers: Headers, host: str) -> bool:
        origin = headers.get("origin")
        if origin is None:
            # Browsers send at least one of the two headers.
            return headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
        if origin.lower() in self._origins:
            return False
        # Without the scheme, which a proxy may have changed.
        return origin.lower().partition("://")[2] != host.lower()

    def _has_token(self, headers: Headers) -> bool:
        kind, _, given = headers.get("authorization", "").partition(" ")
        token = given.strip().encode("latin-1")
        if kind.lower() == "basic":
            try:
                _, _, token = base64.b64decode(token, validate=True).partition(b":")
            except binascii.Error:
                return False
        elif kind.lower() != "bearer":
            return False
        assert self._token is not None
        # Of digests, which have one length, so that the time does not depend on the token.
        return hmac.compare_digest(_digest(token), self._token)


def _refuse(status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    # Does not wait for the rest of the request.
    return JSONResponse({"detail": detail}, status, {"connection": "close", **(headers or {})})


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()


def _bare(host: str) -> str:
    """A host's name without port, brackets and letter case."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host if host.count(":") > 1 else host.partition(":")[0].rstrip(".")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
