"""CORS: an allow-list of origins whose pages may read answers."""

from collections.abc import Collection
from typing import Any

import aiohttp_cors
import structlog
from aiohttp import web

from entrypoints.config.field_types import ANY_ORIGIN
from entrypoints.http.api.headers import REQUEST_ID_HEADER, VERIFIED

EXPOSED_HEADERS = (
    "ETag",
    "Location",
    "Preference-Applied",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    REQUEST_ID_HEADER,
    VERIFIED,
)
PREFLIGHT_AGE = 600
"""Seconds for which a browser may cache the answer to a preflight."""

ANY_HEADER = "*"
"""aiohttp-cors allows any header; `check_preflights` has checked them before."""

_OPTIONS = web.AppKey("cors_options", dict[str, Any])


def allow_origins(app: web.Application, origins: Collection[str]) -> None:
    """Enable CORS for all routes; call it after they were added.

    With `*`, credentials are off: otherwise any page could act on behalf of a logged-in user.
    """
    if ANY_ORIGIN in origins:
        structlog.get_logger().warning(
            "cors.any_origin", fix="list the origins in CORS_ALLOW_ORIGINS; use * only for testing"
        )
    options = aiohttp_cors.ResourceOptions(  # type: ignore[no-untyped-call] # the package has no types
        allow_credentials=ANY_ORIGIN not in origins,
        expose_headers=EXPOSED_HEADERS,
        allow_headers=ANY_HEADER,
        max_age=PREFLIGHT_AGE,
    )
    by_origin: dict[str, Any] = dict.fromkeys(origins, options)
    app[_OPTIONS] = by_origin
    cors = aiohttp_cors.setup(app, defaults=by_origin)
    for resource in list(app.router.resources()):
        cors.add(resource)
        for route in list(resource):
            if route.method != "OPTIONS":
                cors.add(route)
    if origins:
        app.on_response_prepare.append(_complete_headers)


async def _complete_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add what aiohttp-cors omits: `Vary`, because answers differ by origin, and the CORS headers
    of a 404 and a 405, so that a page can read them."""
    response.headers.add("Vary", "Origin")
    options = request.app[_OPTIONS]
    origin = request.headers.get("Origin", "")
    cors_options = options.get(origin) or options.get(ANY_ORIGIN)
    if origin and cors_options and "Access-Control-Allow-Origin" not in response.headers:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = ",".join(EXPOSED_HEADERS)
        if cors_options.allow_credentials:
            response.headers["Access-Control-Allow-Credentials"] = "true"
