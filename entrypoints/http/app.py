"""The application: what it opens and closes, its routes, what is done for every request."""

from collections.abc import AsyncIterator, Callable

import structlog
from aiohttp import web

from entrypoints.container import Container, resolved
from entrypoints.http import databases, health, legacy
from entrypoints.http.background import Background
from entrypoints.http.bodies import MAX_BODY
from entrypoints.http.cors import allow_origins
from entrypoints.http.errors import problems
from entrypoints.http.keys import BACKGROUND, USE_CASES
from entrypoints.http.requests import identified, logged

DRAIN_TIMEOUT = 30.0
"""Seconds that running requests, and then what goes on behind them, get to end in."""


def build_app(container: Container) -> web.Application:
    app = web.Application(middlewares=[identified, logged, problems], client_max_size=MAX_BODY)
    app[BACKGROUND] = Background(structlog.get_logger())
    app.cleanup_ctx.append(_lifetime_of(container))
    app.add_routes(
        [
            web.post("/api/create-neon-db", legacy.create_neon_db),
            web.get("/api/test", legacy.test),
            web.post("/v1/databases", databases.create),
            web.get("/v1/databases", databases.list_),
            web.get("/v1/databases/{id}", databases.show),
            web.delete("/v1/databases/{id}", databases.delete),
            web.get("/livez", health.livez),
            web.get("/readyz", health.readyz),
        ]
    )
    allow_origins(app, container.settings().cors_allow_origins)
    return app


def _lifetime_of(container: Container) -> Callable[[web.Application], AsyncIterator[None]]:
    async def lifetime(app: web.Application) -> AsyncIterator[None]:
        try:  # begins before the yield: aiohttp does not clean up after a start that failed
            app[USE_CASES] = await resolved(container.use_cases())
            yield
        finally:
            await app[BACKGROUND].drain(DRAIN_TIMEOUT)
            await resolved(container.shutdown_resources())

    return lifetime
