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

from entrypoints.http.api.problems import problems
from entrypoints.http.app import DRAIN_TIMEOUT
from entrypoints.http.middleware.request_log import identified
from entrypoints.http.server.acceptor import Door
from entrypoints.http.server.connection_limiter import Connection, Crowd, Limits

SHARE = 0.75
"""Share of the file descriptors for callers; providers and the registry need the others."""

ENOUGH = 65_536
"""Maximum number of file descriptors to use, also where the system sets no limit."""

Answering = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(
    app: web.Application,
    listener: socket.socket,
    *,
    tls: ssl.SSLContext | None = None,
    limits: Limits | None = None,
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
        server = _server_of(runner)
        with Door(server, Crowd(limits or Limits()), listener, tls):
            yield server
    finally:
        await runner.cleanup()


def limits_of_process() -> Limits:
    """Raise the soft limit of file descriptors as far as allowed, and return the limits of
    connections that result."""
    _, hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard_limit == resource.RLIM_INFINITY else min(hard_limit, ENOUGH)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard_limit))
    return Limits(most=min(Limits().most, int(wanted * SHARE)))


def _server_of(runner: web.AppRunner) -> web.Server:
    """Return the runner's server, whose connections report the start of each request."""
    server = runner.server
    if server is None:
        raise RuntimeError("the runner is not set up")
    server.request_handler = _asked(server.request_handler)
    return server


def _asked(answering: Answering) -> Answering:
    async def asked(request: web.BaseRequest) -> web.StreamResponse:
        if isinstance(request.protocol, Connection):
            request.protocol.asked(request)
        try:
            return await answering(request)
        except (web.HTTPException, UnicodeEncodeError) as error:
            # aiohttp raises these for an unknown or unprintable Expect header
            known = error if isinstance(error, web.HTTPException) else web.HTTPExpectationFailed()
            answered = partial(problems, handler=_raising(known))
            return await identified(cast("web.Request", request), answered)

    return asked


def _raising(error: web.HTTPException) -> Handler:
    async def raising(request: web.Request) -> web.StreamResponse:
        raise error

    return raising
