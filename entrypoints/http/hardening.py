"""The headers that every answer bears, so that browsers let nobody abuse it."""

from collections.abc import Mapping

from aiohttp import web

from entrypoints.http.hosts import is_local
from entrypoints.http.keys import IS_SECURE

HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",  # pages that CORS allows to read still may
    "Server": "pgvend",
}

DEFAULTS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
"""For answers that do not say otherwise: pages have a policy of their own."""

HSTS = {"Strict-Transport-Security": "max-age=31536000"}


async def hardened(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """To be called last, when an answer has its own headers."""
    harden(response)
    if request.get(IS_SECURE) and not is_local(request.headers.get("Host", "")):
        response.headers.update(HSTS)  # of a name on every port: not what one wants of localhost


def harden(response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
    for name, value in DEFAULTS.items():
        response.headers.setdefault(name, value)
