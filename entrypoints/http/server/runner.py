"""Serving the application on a socket."""

import resource
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import cast

from aiohttp import web
from aiohttp.typedefs import Handler

from entrypoints.http.api.problems import render_problems
from entrypoints.http.app import DRAIN_TIMEOUT
from entrypoints.http.middleware.request_log import assign_request_id
from entrypoints.http.server.acceptor import Acceptor
from entrypoints.http.server.connection_limiter import (
    ConnectionLimiter,
    ConnectionLimits,
    HttpConnection,
)

DESCRIPTOR_SHARE = 0.75
"""Share of the file descriptors for callers; providers and the registry need the others."""

MAX_DESCRIPTORS = 65_536
"""Maximum number of file descriptors to use, also where the system sets no limit."""

Responder = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(
    app: web.Application,
    listener: socket.socket,
    *,
    tls: ssl.SSLContext | None = None,
    limits: ConnectionLimits | None = None,
) -> AsyncIterator[web.Server]:
    """Serve the application on `listener` until the context exits.

    Then the listener is closed, and running requests get DRAIN_TIMEOUT to finish.
    """
    runner = web.AppRunner(
        app,
        handler_cancellation=False,  # a request is completed even if its caller disconnects
        shutdown_timeout=DRAIN_TIMEOUT,
    )
    try:
        await runner.setup()
        server = _prepare_server(runner)
        with Acceptor(server, ConnectionLimiter(limits or ConnectionLimits()), listener, tls):
            yield server
    finally:
        await runner.cleanup()


def raise_process_limits() -> ConnectionLimits:
    """Raise the soft limit of file descriptors as far as allowed, and return the limits of
    connections that result."""
    _, hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft_limit = (
        MAX_DESCRIPTORS
        if hard_limit == resource.RLIM_INFINITY
        else min(hard_limit, MAX_DESCRIPTORS)
    )
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft_limit, hard_limit))
    return ConnectionLimits(
        max_connections=min(ConnectionLimits().max_connections, int(soft_limit * DESCRIPTOR_SHARE))
    )


def _prepare_server(runner: web.AppRunner) -> web.Server:
    """Return the runner's server, whose connections report the start of each request."""
    server = runner.server
    if server is None:
        raise RuntimeError("the runner is not set up")
    server.request_handler = _track_requests(server.request_handler)
    return server


def _track_requests(handler: Responder) -> Responder:
    async def handle_request(request: web.BaseRequest) -> web.StreamResponse:
        if isinstance(request.protocol, HttpConnection):
            request.protocol.start_request(request)
        try:
            return await handler(request)
        except (web.HTTPException, UnicodeEncodeError) as error:
            # aiohttp raises these for an unknown or unprintable Expect header
            http_error = (
                error if isinstance(error, web.HTTPException) else web.HTTPExpectationFailed()
            )
            render = partial(render_problems, handler=_create_raising_handler(http_error))
            return await assign_request_id(cast("web.Request", request), render)

    return handle_request


def _create_raising_handler(error: web.HTTPException) -> Handler:
    async def raise_error(request: web.Request) -> web.StreamResponse:
        raise error

    return raise_error
