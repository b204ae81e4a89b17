"""Which web pages may read our answers: an allow-list."""

from collections.abc import Collection

import aiohttp_cors
import structlog
from aiohttp import web

from entrypoints.settings import ANY_ORIGIN

EXPOSED = ("Location", "Retry-After", "X-Request-ID")
ACCEPTED = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "Prefer",
    "X-Request-ID",
)
METHODS = ("GET", "POST", "PATCH", "DELETE")
PREFLIGHT_AGE = 600
"""Seconds that a browser may remember a preflight's answer."""


def allow_origins(app: web.Application, origins: Collection[str]) -> None:
    """To be called after all routes were added. With `*`, credentials are off: every page could
    else act in the name of whoever is logged in."""
    if ANY_ORIGIN in origins:
        structlog.get_logger().warning(
            "cors.any_origin", mend="name the origins in CORS_ALLOW_ORIGINS; * is for testing"
        )
    options = aiohttp_cors.ResourceOptions(  # type: ignore[no-untyped-call] # the package has no types
        allow_credentials=ANY_ORIGIN not in origins,
        expose_headers=EXPOSED,
        allow_headers=ACCEPTED,
        allow_methods=METHODS,
        max_age=PREFLIGHT_AGE,
    )
    cors = aiohttp_cors.setup(app, defaults=dict.fromkeys(origins, options))
    for resource in list(app.router.resources()):
        cors.add(resource)
        for route in list(resource):
            if route.method != "OPTIONS":
                cors.add(route)
