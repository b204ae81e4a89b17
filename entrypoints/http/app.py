"""The aiohttp application: middleware, routes, startup and shutdown."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from functools import cache

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from entrypoints.background.announcement_loop import AnnouncementLoop
from entrypoints.background.change_loop import ChangeLoop
from entrypoints.background.delivery_loop import DeliveryLoop
from entrypoints.background.export_loop import ExportLoop
from entrypoints.background.guard_loop import GuardLoop
from entrypoints.background.reconcile_loop import ReconcileLoop
from entrypoints.background.spare_loop import SpareLoop
from entrypoints.background.tasks import BackgroundTasks, Loop, cancel_task
from entrypoints.config.settings import Settings
from entrypoints.http.api.context import (
    ACCESS,
    BACKGROUND,
    CORS_ORIGINS,
    DOCUMENT,
    MAINTENANCE,
    METRICS,
    STOPPING,
    STREAM_LIMITER,
    USE_CASES,
)
from entrypoints.http.api.handlers.health import determine_access
from entrypoints.http.api.handles import format_path
from entrypoints.http.api.json_bodies import MAX_BODY
from entrypoints.http.api.openapi import create_document
from entrypoints.http.api.problems import render_problems
from entrypoints.http.api.routes.table import ROUTES
from entrypoints.http.api.schemas.webhooks import render_event
from entrypoints.http.api.stream_limiter import StreamLimiter
from entrypoints.http.middleware.auth import (
    add_rate_headers,
    authenticate_caller,
    record_audit_events,
)
from entrypoints.http.middleware.cors import allow_origins
from entrypoints.http.middleware.forwarded_headers import resolve_client_address
from entrypoints.http.middleware.origin_check import require_local_host, require_own_origin
from entrypoints.http.middleware.preflights import check_preflights
from entrypoints.http.middleware.query_check import reject_unknown_query
from entrypoints.http.middleware.request_log import (
    add_request_id_header,
    assign_request_id,
    log_request,
)
from entrypoints.http.middleware.request_metrics import count_requests
from entrypoints.http.middleware.security_headers import add_security_headers
from entrypoints.http.middleware.traces import trace_requests
from entrypoints.wiring.container import Container, resolve
from entrypoints.wiring.tracing import Tracing
from entrypoints.wiring.webhooks import Webhooks

DRAIN_TIMEOUT = 30.0
"""Seconds that running requests, and then background tasks, get to finish during shutdown."""


def build_app(container: Container, *, insecure: bool = False) -> web.Application:
    """Build the application. `insecure` skips the Host check where callers need no key."""
    settings = container.settings()
    origins = frozenset(settings.cors_allow_origins)
    app = web.Application(
        middlewares=[
            assign_request_id,
            *_create_tracing(container.tracing()),
            resolve_client_address(settings.trusted_proxies),
            log_request,
            count_requests(container.metrics()),
            render_problems,
            *_create_access_checks(settings, origins, insecure=insecure),
            check_preflights(origins, settings.cors_allow_headers),
            record_audit_events,
            authenticate_caller,
            reject_unknown_query,
        ],
        client_max_size=MAX_BODY,
    )
    app[ACCESS] = determine_access(is_open=settings.is_open, insecure=insecure)
    app[METRICS] = container.metrics()
    app[BACKGROUND] = BackgroundTasks(structlog.get_logger())
    app[STOPPING] = asyncio.Event()
    app[STREAM_LIMITER] = StreamLimiter()
    app[CORS_ORIGINS] = origins
    app.on_response_prepare.append(add_request_id_header)
    app.on_response_prepare.append(add_rate_headers)
    app.on_shutdown.append(_end_streams)
    app.cleanup_ctx.append(_create_lifetime(container))
    app[DOCUMENT] = _create_document(
        is_open=settings.is_open, anonymous=settings.anonymous_create is not None
    )
    app.add_routes(web.route(each.method, format_path(each.path), each.handler) for each in ROUTES)
    allow_origins(app, origins)
    app.on_response_prepare.append(add_security_headers)
    return app


def _create_tracing(tracing: Tracing | None) -> Iterator[Middleware]:
    if tracing is not None:
        yield trace_requests(tracing)


@cache
def _create_document(*, is_open: bool, anonymous: bool) -> str:
    """Return the OpenAPI document as JSON. Tests build hundreds of applications in a process."""
    return json.dumps(create_document(ROUTES, is_open=is_open, anonymous=anonymous))


def _create_access_checks(
    settings: Settings, origins: frozenset[str], *, insecure: bool
) -> Iterator[Middleware]:
    """Return middleware that restricts access to a service without keys."""
    if settings.is_open:
        yield require_own_origin(origins)
        if not insecure:
            yield require_local_host(settings.host)


async def _end_streams(app: web.Application) -> None:
    app[STOPPING].set()


def _create_lifetime(container: Container) -> Callable[[web.Application], AsyncIterator[None]]:
    settings = container.settings()
    interval, webhook_interval = settings.reconcile_interval, settings.webhook_interval

    async def lifetime(app: web.Application) -> AsyncIterator[None]:
        async with AsyncExitStack() as closing:
            # entered before the yield, because aiohttp skips cleanup after a failed startup
            closing.push_async_callback(_close, container)
            maintenance = await resolve(container.maintenance())
            app[USE_CASES], app[MAINTENANCE] = maintenance.use_cases, maintenance
            log, clock = structlog.get_logger(), maintenance.use_cases.clock
            _run_until_closed(GuardLoop(maintenance.guard_server, log), closing)
            closing.push_async_callback(app[BACKGROUND].drain, DRAIN_TIMEOUT)
            _run_until_closed(ReconcileLoop(maintenance.reconcile, interval, clock, log), closing)
            _run_until_closed(SpareLoop(maintenance.maintain_spares, clock, log), closing)
            exports = ExportLoop(maintenance.exports, maintenance.export, log)
            _run_until_closed(exports, closing)
            poll_changes = maintenance.use_cases.poll_changes
            _run_until_closed(ChangeLoop(poll_changes, clock, log), closing)
            _start_webhooks(maintenance.use_cases.webhooks, webhook_interval, closing)
            yield

    return lifetime


def _start_webhooks(webhooks: Webhooks, interval: float, closing: AsyncExitStack) -> None:
    """Start the loops that announce events and send them."""
    log, clock, send = structlog.get_logger(), webhooks.clock, webhooks.send
    announce = webhooks.announce(render_event)
    _run_until_closed(AnnouncementLoop(announce, send.wake, interval, clock, log), closing)
    _run_until_closed(DeliveryLoop(send, interval, clock, log), closing)


def _run_until_closed(loop: Loop, closing: AsyncExitStack) -> None:
    closing.push_async_callback(cancel_task, asyncio.create_task(loop.run_forever()))


async def _close(container: Container) -> None:
    await resolve(container.shutdown_resources())
