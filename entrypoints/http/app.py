"""The aiohttp application: middleware, routes, startup and shutdown."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from entrypoints.background.guard_loop import Guarding
from entrypoints.background.reconcile_loop import Sweeping, stopped
from entrypoints.config.settings import Settings
from entrypoints.http.api.background_tasks import Background
from entrypoints.http.api.context import (
    BACKGROUND,
    CORS_ORIGINS,
    DOCUMENT,
    STOPPING,
    STREAMS,
    USE_CASES,
)
from entrypoints.http.api.handlers.health import ACCESS, determine_access
from entrypoints.http.api.json_bodies import MAX_BODY
from entrypoints.http.api.json_schemas import Json
from entrypoints.http.api.openapi import document
from entrypoints.http.api.problems import problems
from entrypoints.http.api.routes.table import ROUTES
from entrypoints.http.api.stream_limiter import Streams
from entrypoints.http.middleware.auth import admitted, audited, rates_told
from entrypoints.http.middleware.cors import allow_origins
from entrypoints.http.middleware.forwarded_headers import addressed
from entrypoints.http.middleware.origin_check import only_local, only_own_pages
from entrypoints.http.middleware.preflights import checked_preflights
from entrypoints.http.middleware.query_check import understood
from entrypoints.http.middleware.request_log import identified, labelled, logged
from entrypoints.http.middleware.security_headers import hardened
from entrypoints.wiring.container import Container, resolve

DRAIN_TIMEOUT = 30.0
"""Seconds that running requests, and then background tasks, get to finish during shutdown."""


def build_app(container: Container, *, insecure: bool = False) -> web.Application:
    """Build the application. `insecure` skips the Host check where callers need no key."""
    settings = container.settings()
    origins = frozenset(settings.cors_allow_origins)
    app = web.Application(
        middlewares=[
            identified,
            addressed(settings.trusted_proxies),
            logged,
            problems,
            *_open_to(settings, origins, insecure=insecure),
            checked_preflights(origins, settings.cors_allow_headers),
            audited,
            admitted,
            understood,
        ],
        client_max_size=MAX_BODY,
    )
    app[ACCESS] = determine_access(is_open=settings.is_open, insecure=insecure)
    app[BACKGROUND] = Background(structlog.get_logger())
    app[STOPPING] = asyncio.Event()
    app[STREAMS] = Streams()
    app[CORS_ORIGINS] = origins
    app.on_response_prepare.append(labelled)
    app.on_response_prepare.append(rates_told)
    app.on_shutdown.append(_end_streams)
    app.cleanup_ctx.append(_lifetime_of(container))
    app[DOCUMENT] = json.dumps(_document(settings))
    app.add_routes(web.route(each.method, each.path, each.handler) for each in ROUTES)
    allow_origins(app, origins)
    app.on_response_prepare.append(hardened)
    return app


def _document(settings: Settings) -> Json:
    anonymous = settings.anonymous_create is not None
    return document(ROUTES, is_open=settings.is_open, anonymous=anonymous)


def _open_to(
    settings: Settings, origins: frozenset[str], *, insecure: bool
) -> Iterator[Middleware]:
    """Return middleware that restricts access to a service without keys."""
    if settings.is_open:
        yield only_own_pages(origins)
        if not insecure:
            yield only_local(settings.host)


async def _end_streams(app: web.Application) -> None:
    app[STOPPING].set()


def _lifetime_of(container: Container) -> Callable[[web.Application], AsyncIterator[None]]:
    interval = container.settings().reconcile_interval

    async def lifetime(app: web.Application) -> AsyncIterator[None]:
        async with AsyncExitStack() as closing:
            # entered before the yield, because aiohttp skips cleanup after a failed startup
            closing.push_async_callback(_closed, container)
            use_cases = await resolve(container.use_cases())
            app[USE_CASES] = use_cases
            log = structlog.get_logger()
            guarding = Guarding(use_cases.guard_server, log)
            closing.push_async_callback(stopped, asyncio.create_task(guarding.forever()))
            closing.push_async_callback(app[BACKGROUND].drain, DRAIN_TIMEOUT)
            sweeping = Sweeping(
                use_cases.reconcile, interval, await resolve(container.clock()), log
            )
            closing.push_async_callback(stopped, asyncio.create_task(sweeping.forever()))
            yield

    return lifetime


async def _closed(container: Container) -> None:
    await resolve(container.shutdown_resources())
