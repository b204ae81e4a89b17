"""The MCP server over streamable HTTP, without sessions: any replica can answer a request."""

import asyncio
import signal
import socket
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from mcp.server.lowlevel import Server
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.routing import Route
from uvicorn import Config
from uvicorn import Server as HttpServer

from domain.connection import bracket_ipv6
from domain.hosts import find_local_host, is_loopback

PATH = "/mcp"

MAX_BODY = 2**18
"""Bytes of a request."""

MAX_CONNECTIONS = 1000
"""Connections and requests at once; further ones are refused."""

DRAIN_TIMEOUT = 30
"""Seconds for running calls at the end. The service completes them even if they take longer."""

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """Where the server listens, and by which other names clients may reach it."""

    host: str = "127.0.0.1"
    port: int = 0
    allowed_hosts: tuple[str, ...] = ()

    @property
    def serves_others(self) -> bool:
        """Return whether callers can be on other machines, perhaps behind a proxy."""
        return bool(self.allowed_hosts) or not is_loopback(self.host)

    @property
    def names(self) -> Collection[str]:
        """The names that a Host header may have, without a port."""
        own = bracket_ipv6(find_local_host([self.host]))
        return {*LOOPBACK, own, *map(bracket_ipv6, self.allowed_hosts)}


def create_app(server: Server[Any], options: HttpOptions) -> Starlette:
    """Return the application. It refuses a Host and an Origin that are not among its names, so that
    no web page can use it by a name that leads to it (DNS rebinding)."""
    app = server.streamable_http_app(
        streamable_http_path=PATH,
        stateless_http=True,
        max_request_body_size=MAX_BODY,
        transport_security=TransportSecuritySettings(
            allowed_hosts=[host for name in options.names for host in (name, f"{name}:*")],
            allowed_origins=[
                origin
                for name in options.names
                for scheme in ("http", "https")
                for origin in (f"{scheme}://{name}", f"{scheme}://{name}:*")
            ],
        ),
    )
    _refuse_streams(app)
    return app


def _refuse_streams(app: Starlette) -> None:
    """Answer GET with status 405: without sessions there are no messages for such a stream, which
    would stay open until its client closes it."""
    for route in app.routes:
        if isinstance(route, Route):
            route.methods = {"POST"}


async def serve_http(app: Starlette, listener: socket.socket, announce: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM, and call `announce` at the start. At the end running calls get
    DRAIN_TIMEOUT to finish."""
    config = Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=DRAIN_TIMEOUT,
    )
    _ignore_repetition()
    await _AnnouncedServer(config, announce).serve(sockets=[listener])


class _AnnouncedServer(HttpServer):
    """Announces that it serves when it handles signals, so that one ends it in order."""

    def __init__(self, config: Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()


def _ignore_repetition() -> None:
    """Handle the signals that uvicorn sends to this process again when it has ended: its own
    handlers take the place of these while it serves."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, lambda: None)
