"""The service of `pgvend serve`: its settings, socket, loop and banner."""

import asyncio
import errno
import os
import signal
import socket
import ssl
import sys
from contextlib import suppress
from pathlib import Path

import structlog
from aiohttp import web

from domain.errors import StartupError
from entrypoints.config.data_folder import load_service_secret
from entrypoints.config.exposure import find_open_access, find_unreachable_host
from entrypoints.config.field_types import require
from entrypoints.config.loading import find_ignored_variables, load_settings
from entrypoints.config.logging import configure_logging
from entrypoints.config.settings import Settings
from entrypoints.config.tls import create_tls_context
from entrypoints.http.app import build_app
from entrypoints.http.server.runner import raise_process_limits, serving
from entrypoints.wiring.container import Container


def run_service(*, insecure: bool, tls_cert: Path | None, tls_key: Path | None) -> None:
    """Serve until SIGINT or SIGTERM. Raises StartupError."""
    settings = load_settings(tls_cert=tls_cert, tls_key=tls_key)
    if (problem := find_open_access(settings)) and not insecure:
        raise StartupError(problem)
    configure_logging(settings.log_level, terminal=sys.stderr.isatty())
    _log_warnings(settings)
    _run(settings, insecure)


def _run(settings: Settings, insecure: bool) -> None:
    tls = create_tls_context(settings)
    with _open_listener(settings) as listener, suppress(asyncio.CancelledError):
        container = Container(settings=settings, secret=load_service_secret(settings))
        app = build_app(container, insecure=insecure)
        asyncio.run(_serve(app, listener, tls, settings))


async def _serve(
    app: web.Application, listener: socket.socket, tls: ssl.SSLContext | None, settings: Settings
) -> None:
    """Serve until SIGINT or SIGTERM, which also end the start-up."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, require(task).cancel)
    async with serving(app, listener, tls=tls, limits=raise_process_limits()):
        with suppress(OSError):  # a full disk must not prevent serving
            _print_banner(settings, listener.getsockname())
        await loop.create_future()


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


def _print_banner(settings: Settings, address: tuple[str, int]) -> None:
    host = f"[{address[0]}]" if ":" in address[0] else address[0]
    url = f"{'https' if settings.tls_cert else 'http'}://{host}:{address[1]}"
    print(
        f"pgvend serves {url}\n"
        f"  provider     {settings.provider}\n"
        f"  data folder  {settings.data_dir.resolve()}\n"
        f"  records      {_describe_records(settings)}\n"
        f"{_format_host_warning(settings)}"
        f"  try          curl -X POST {url}/v1/databases {_format_key_option(settings)}"
        "-H 'content-type: application/json' -d '{\"nickname\": \"My first database\"}'",
        flush=True,
    )


def _format_host_warning(settings: Settings) -> str:
    problem = find_unreachable_host(settings)
    return f"  warning      {problem}\n" if problem else ""


def _format_key_option(settings: Settings) -> str:
    return "" if settings.is_open else "-H 'authorization: Bearer YOUR_KEY' "


def _describe_records(settings: Settings) -> str:
    if settings.registry_url:
        return "on the server of PGVEND_REGISTRY_URL"
    return str(settings.registry_file or "in memory, lost when pgvend stops")
