"""The service of `pgvend serve`: its settings, socket, loop and banner."""

import asyncio
import os
import signal
import socket
import ssl
import sys
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog
from aiohttp import web

from domain.secrets import Secret
from entrypoints.cli.banner import print_banner
from entrypoints.cli.listeners import Listeners, open_listeners
from entrypoints.config.access import ADMIN
from entrypoints.config.data_folder import load_service_secret
from entrypoints.config.exposure import find_unreachable_host
from entrypoints.config.field_types import require
from entrypoints.config.loading import find_ignored_variables, load_settings
from entrypoints.config.local_admin import LocalAdmin, load_local_admin
from entrypoints.config.logging import configure_logging
from entrypoints.config.settings import Settings
from entrypoints.config.tls import create_tls_context
from entrypoints.http.api.context import USE_CASES
from entrypoints.http.app import build_app
from entrypoints.http.metrics_app import build_metrics_app
from entrypoints.http.server.runner import raise_process_limits, serving
from entrypoints.wiring.container import Container
from entrypoints.wiring.tracing import open_tracing


def run_service(*, insecure: bool, tls_cert: Path | None, tls_key: Path | None) -> None:
    """Serve until SIGINT or SIGTERM. Raises StartupError."""
    settings = load_settings(tls_cert=tls_cert, tls_key=tls_key)
    with open_listeners(settings) as listeners:
        admin = None if insecure else load_local_admin(settings)
        configure_logging(settings.log_level, terminal=sys.stderr.isatty())
        _log_warnings(settings)
        _run(Start(admin.add_to(settings) if admin else settings, admin, insecure), listeners)


@dataclass(frozen=True)
class Start:
    """What the service starts with; `admin` is the key that it made itself, if any."""

    settings: Settings
    admin: LocalAdmin | None
    insecure: bool


def _run(start: Start, listeners: Listeners) -> None:
    tls = create_tls_context(start.settings)
    secret = load_service_secret(start.settings)
    with open_tracing(os.environ) as tracing:
        container = Container(settings=start.settings, secret=secret, tracing=tracing)
        app = build_app(container, insecure=start.insecure)
        with _publish_address(start, listeners.port), suppress(asyncio.CancelledError):
            asyncio.run(_serve(app, listeners, tls, start))


def _publish_address(start: Start, port: int) -> AbstractContextManager[None]:
    if start.admin is None:
        return nullcontext()
    scheme = "https" if start.settings.tls_cert else "http"
    return start.admin.publish_address(scheme, start.settings.host, port)


async def _serve(
    app: web.Application, listeners: Listeners, tls: ssl.SSLContext | None, start: Start
) -> None:
    """Serve until SIGINT or SIGTERM, which also end the start-up."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, require(task).cancel)
    async with (
        serving(app, listeners.service, tls=tls, limits=raise_process_limits()),
        _serving_metrics(app, listeners.metrics),
    ):
        with suppress(OSError):  # a full disk must not prevent serving
            code = _offer_code(app, start.admin) if start.admin and sys.stdout.isatty() else None
            print_banner(start.settings, start.admin, code, listeners)
        await loop.create_future()


def _serving_metrics(
    app: web.Application, listener: socket.socket | None
) -> AbstractAsyncContextManager[object]:
    return serving(build_metrics_app(app), listener) if listener else nullcontext()


def _offer_code(app: web.Application, admin: LocalAdmin) -> Secret:
    return app[USE_CASES].access.exchange_key.offer(admin.key, ADMIN)


def _log_warnings(settings: Settings) -> None:
    log = structlog.get_logger()
    for sentence in find_ignored_variables():
        log.warning("settings.ignored", detail=sentence)
    if problem := find_unreachable_host(settings):
        log.warning("settings.unreachable_host", detail=problem)
