"""The MCP server of `pgvend mcp`: its settings, its key and its socket."""

import asyncio
import os
import socket
import sys
from functools import partial

from domain.connection import bracket_ipv6
from domain.errors import PgvendError
from domain.expiry import parse_duration
from domain.hosts import is_loopback
from entrypoints.cli.errors import ExitStatus, RequestError
from entrypoints.config.client import ClientSettings
from entrypoints.mcp.http import PATH, HttpOptions, create_app, serve_http
from entrypoints.mcp.options import AgentOptions
from entrypoints.mcp.server import create_server
from entrypoints.mcp.stdio import serve_stdio


def run_mcp(settings: ClientSettings, agents: AgentOptions, place: HttpOptions | None) -> None:
    """Serve one client over standard input, or at a `place` all clients with a key of their own.
    Raises RequestError.

    An agent never gets the admin key of the data folder, which its user did not choose for it.
    """
    _check_ttl(agents.default_ttl)
    if place is None:
        asyncio.run(serve_stdio(create_server(settings.url, settings.chosen_key, agents)))
        return
    # Others must not use the key of this process: a request without a key has none.
    server = create_server(settings.url, None, agents, serves_others=place.serves_others)
    app = create_app(server, place)
    with _open_listener(place) as listener:
        announce = partial(_announce, place, listener.getsockname()[1], settings.address)
        asyncio.run(serve_http(app, listener, announce))


def _check_ttl(text: str) -> None:
    try:
        parse_duration(text)
    except PgvendError as error:
        raise RequestError(f"--ttl: {error}", ExitStatus.USAGE) from None


def _open_listener(place: HttpOptions) -> socket.socket:
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    try:
        return socket.create_server((place.host, place.port), family=family, backlog=512)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise RequestError(
            f"pgvend mcp cannot listen on {place.host} port {place.port} ({reason}): set --host to "
            "an address of this machine, and --http to a free port."
        ) from error


def _announce(place: HttpOptions, port: int, service: str) -> None:
    address = f"http://{bracket_ipv6(place.host)}:{port}{PATH}"
    print(f"pgvend serves MCP at {address} for {service}", file=sys.stderr)
    if not is_loopback(place.host):
        print(
            "pgvend: warning: keys and passwords reach this address unencrypted: let a proxy with "
            "TLS be the only one that can connect to it.",
            file=sys.stderr,
        )
