"""The application on a socket."""

import resource
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import cast

from aiohttp import web
from aiohttp.typedefs import Handler

from entrypoints.http.app import DRAIN_TIMEOUT
from entrypoints.http.connections import Connection, Crowd, Limits
from entrypoints.http.door import Door
from entrypoints.http.errors import problems
from entrypoints.http.requests import identified

SHARE = 0.75
"""The part of the process's descriptors that callers may have: providers and records need some."""

ENOUGH = 65_536
"""Descriptors, where the system sets no bound."""

Answering = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(
    app: web.Application,
    listener: socket.socket,
    *,
    tls: ssl.SSLContext | None = None,
    limits: Limits | None = None,
) -> AsyncIterator[web.Server]:
    """The application answers what comes to `listener`, which is closed in the end; then what is
    being answered gets some time to come to its own end."""
    runner = web.AppRunner(
        app,
        handler_cancellation=False,  # a vend whose caller has gone is finished
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
    """As many callers as there are descriptors for, of which the process takes all that it may
    have: usually it begins with few."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if most == resource.RLIM_INFINITY else min(most, ENOUGH)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    return Limits(most=min(Limits().most, int(wanted * SHARE)))


def _server_of(runner: web.AppRunner) -> web.Server:
    """Whose connections say when they are asked something."""
    server = runner.server
    if server is None:
        raise RuntimeError("the runner was not set up")
    server.request_handler = _asked(server.request_handler)
    return server


def _asked(answering: Answering) -> Answering:
    async def asked(request: web.BaseRequest) -> web.StreamResponse:
        if isinstance(request.protocol, Connection):
            request.protocol.asked(request)
        try:
            return await answering(request)
        except (web.HTTPException, UnicodeEncodeError) as error:
            # of aiohttp, for an Expect that it does not know, or cannot even quote
            known = error if isinstance(error, web.HTTPException) else web.HTTPExpectationFailed()
            answered = partial(problems, handler=_raising(known))
            return await identified(cast("web.Request", request), answered)

    return asked


def _raising(error: web.HTTPException) -> Handler:
    async def raising(request: web.Request) -> web.StreamResponse:
        raise error

    return raising
