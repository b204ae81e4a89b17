"""The service of `pgvend serve`: its settings, socket, loop and banner."""

import asyncio
import errno
import os
import signal
import socket
import ssl
import sys
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog
from aiohttp import web

from domain.errors import StartupError
from domain.secrets import Secret
from entrypoints.cli.banner import print_banner
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
from entrypoints.http.server.runner import raise_process_limits, serving
from entrypoints.wiring.container import Container


def run_service(*, insecure: bool, tls_cert: Path | None, tls_key: Path | None) -> None:
    """Serve until SIGINT or SIGTERM. Raises StartupError."""
    settings = load_settings(tls_cert=tls_cert, tls_key=tls_key)
    with _open_listener(settings) as listener:
        admin = None if insecure else load_local_admin(settings)
        configure_logging(settings.log_level, terminal=sys.stderr.isatty())
        _log_warnings(settings)
        _run(Start(admin.add_to(settings) if admin else settings, admin, insecure), listener)


@dataclass(frozen=True)
class Start:
    """What the service starts with; `admin` is the key that it made itself, if any."""

    settings: Settings
    admin: LocalAdmin | None
    insecure: bool


def _run(start: Start, listener: socket.socket) -> None:
    tls = create_tls_context(start.settings)
    container = Container(settings=start.settings, secret=load_service_secret(start.settings))
    app = build_app(container, insecure=start.insecure)
    with _publish_address(start, listener.getsockname()[1]), suppress(asyncio.CancelledError):
        asyncio.run(_serve(app, listener, tls, start))


def _publish_address(start: Start, port: int) -> AbstractContextManager[None]:
    if start.admin is None:
        return nullcontext()
    scheme = "https" if start.settings.tls_cert else "http"
    return start.admin.publish_address(scheme, start.settings.host, port)


async def _serve(
    app: web.Application, listener: socket.socket, tls: ssl.SSLContext | None, start: Start
) -> None:
    """Serve until SIGINT or SIGTERM, which also end the start-up."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, require(task).cancel)
    async with serving(app, listener, tls=tls, limits=raise_process_limits()):
        with suppress(OSError):  # a full disk must not prevent serving
            code = _offer_code(app, start.admin) if start.admin and sys.stdout.isatty() else None
            print_banner(start.settings, start.admin, code, listener.getsockname()[1])
        await loop.create_future()


def _offer_code(app: web.Application, admin: LocalAdmin) -> Secret:
    return app[USE_CASES].access.exchange_key.offer(admin.key, ADMIN)


def _log_warnings(settings: Settings) -> None:
    log = structlog.get_logger()
    for sentence in find_ignored_variables():
        log.warning("settings.ignored", detail=sentence)
    if problem := find_unreachable_host(settings):
        log.warning("settings.unreachable_host", detail=problem)


def _open_listener(settings: Settings) -> socket.socket:
    """Bind before anything else is started, so that a port in use is reported at once."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=512)
    except OSError as error:
        raise StartupError(_describe_bind_error(settings, error)) from error


def _describe_bind_error(settings: Settings, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {settings.port} is already in use on {settings.host}: set PORT to a free port, "
            "or stop the program that uses it."
        )
    reason = os.strerror(error.errno or 0)  # the error's own text repeats the address
    return (
        f"pgvend cannot listen on {settings.host} port {settings.port} ({reason}): set HOST to an "
        "address of this machine, and PORT to a free port."
    )
