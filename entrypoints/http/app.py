"""The application: what it opens and closes, its routes, what is done for every request."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import structlog
from aiohttp import web

from entrypoints.container import Container, resolved
from entrypoints.http import connection, databases, events, health, legacy, lifecycle, upkeep
from entrypoints.http.background import Background
from entrypoints.http.bodies import MAX_BODY
from entrypoints.http.cors import allow_origins
from entrypoints.http.errors import problems
from entrypoints.http.keys import BACKGROUND, STOPPING, STREAMS, USE_CASES
from entrypoints.http.requests import identified, labelled, logged
from entrypoints.http.sweeping import stopped

DRAIN_TIMEOUT = 30.0
"""Seconds that running requests, and then what goes on behind them, get to end in."""


def build_app(container: Container) -> web.Application:
    app = web.Application(middlewares=[identified, logged, problems], client_max_size=MAX_BODY)
    app[BACKGROUND] = Background(structlog.get_logger())
    app[STOPPING] = asyncio.Event()
    app[STREAMS] = asyncio.Semaphore(events.MOST)
    app.on_response_prepare.append(labelled)
    app.on_shutdown.append(_end_streams)
    app.cleanup_ctx.append(_lifetime_of(container))
    app.add_routes(
        [
            web.post("/api/create-neon-db", legacy.create_neon_db),
            web.get("/api/test", legacy.test),
            web.post("/v1/databases", databases.create),
            web.get("/v1/databases", databases.list_),
            web.get("/v1/databases/{id}", databases.show),
            web.patch("/v1/databases/{id}", databases.change),
            web.delete("/v1/databases/{id}", databases.delete),
            web.get("/v1/databases/{id}/connection", connection.show),
            web.get("/v1/databases/{id}/events", events.events),
            web.post("/v1/databases/{id}/rotate", lifecycle.rotate),
            web.post("/v1/databases/{id}/restore", lifecycle.restore),
            web.post("/v1/sweep", upkeep.sweep),
            web.get("/livez", health.livez),
            web.get("/readyz", health.readyz),
        ]
    )
    allow_origins(app, container.settings().cors_allow_origins)
    return app


async def _end_streams(app: web.Application) -> None:
    app[STOPPING].set()


def _lifetime_of(container: Container) -> Callable[[web.Application], AsyncIterator[None]]:
    async def lifetime(app: web.Application) -> AsyncIterator[None]:
        async with AsyncExitStack() as closing:
            # begins before the yield: aiohttp does not clean up after a start that failed
            closing.push_async_callback(_closed, container)
            app[USE_CASES] = await resolved(container.use_cases())
            closing.push_async_callback(app[BACKGROUND].drain, DRAIN_TIMEOUT)
            sweeping = await resolved(container.sweeping())
            closing.push_async_callback(stopped, asyncio.create_task(sweeping.forever()))
            yield

    return lifetime


async def _closed(container: Container) -> None:
    await resolved(container.shutdown_resources())
