"""Security headers of every answer."""

from collections.abc import Mapping

from aiohttp import web

from entrypoints.http.api.context import IS_SECURE
from entrypoints.http.middleware.origin_check import is_local

HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",  # pages that CORS allows can still read answers
    "Server": "pgvend",
}

DEFAULTS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
"""Headers that an answer may override: pages have their own policy."""

HSTS = {"Strict-Transport-Security": "max-age=31536000"}


async def add_security_headers(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Add security headers; runs last, after an answer has its own headers."""
    set_security_headers(response)
    if request.get(IS_SECURE) and not is_local(request.headers.get("Host", "")):
        # not for this machine: HSTS covers all ports of a name, and so other services of localhost
        response.headers.update(HSTS)


def set_security_headers(response: web.StreamResponse) -> None:
    """Set the headers that do not depend on the request."""
    response.headers.update(HEADERS)
    for name, value in DEFAULTS.items():
        response.headers.setdefault(name, value)
