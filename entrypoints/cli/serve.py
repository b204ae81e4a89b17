"""`pgvend serve`."""

import os
import socket
import sys
from typing import Annotated

import typer
from aiohttp import web

from domain.errors import StartupError
from entrypoints.container import Container
from entrypoints.data_folder import service_secret
from entrypoints.http.app import DRAIN_TIMEOUT, build_app
from entrypoints.logging import configure_logging
from entrypoints.settings import Settings
from entrypoints.settings_loading import load_settings

Insecure = Annotated[
    bool, typer.Option("--insecure", help="Listen beyond loopback although anybody may ask.")
]


def serve(insecure: Insecure = False) -> None:
    """Serve over HTTP until told to stop; settings come from the environment and .env."""
    try:
        settings = load_settings()
        _refuse_strangers(settings, insecure)
        configure_logging(settings.log_level, terminal=sys.stderr.isatty())
        _run(settings)
    except StartupError as error:
        print(f"pgvend: {error}", file=sys.stderr)
        raise typer.Exit(1) from None


def _run(settings: Settings) -> None:
    with _listening(settings) as listener:
        container = Container(settings=settings, secret=service_secret(settings))
        app = build_app(container)
        app.on_startup.append(lambda _: _announce(settings, listener.getsockname()))
        web.run_app(
            app,
            sock=listener,
            access_log=None,
            print=None,
            handler_cancellation=False,  # a vend whose caller has gone is finished
            shutdown_timeout=DRAIN_TIMEOUT,
        )


def _refuse_strangers(settings: Settings, insecure: bool) -> None:
    if not (settings.is_loopback or insecure):
        raise StartupError(
            f"Without keys, anybody who reaches {settings.host} could have databases: listen on "
            "HOST=127.0.0.1, or add --insecure if something in front of pgvend checks callers."
        )


def _listening(settings: Settings) -> socket.socket:
    """Taken before anything else is started: a taken port is told at once."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=512)
    except OSError as error:
        reason = os.strerror(error.errno or 0)  # the error's own words name the address again
        raise StartupError(
            f"{settings.host} port {settings.port} cannot be listened on ({reason}): "
            "set PORT to a free port, or stop what listens there."
        ) from error


async def _announce(settings: Settings, address: tuple[str, int]) -> None:
    host = f"[{address[0]}]" if ":" in address[0] else address[0]
    url = f"http://{host}:{address[1]}"
    print(
        f"pgvend serves {url}\n"
        f"  provider     {settings.provider}\n"
        f"  data folder  {settings.data_dir.resolve()}\n"
        f"  records      {_records(settings)}\n"
        f"  try          curl -X POST {url}/v1/databases "
        "-H 'content-type: application/json' -d '{\"nickname\": \"My first database\"}'",
        flush=True,
    )


def _records(settings: Settings) -> str:
    if settings.registry_url:
        return "on the server that PGVEND_REGISTRY_URL names"
    return str(settings.registry_file or "in memory, as long as it runs")
