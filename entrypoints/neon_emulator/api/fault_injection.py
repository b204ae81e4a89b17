"""Middleware that applies faults before the emulator handles a call, or to the response."""

import asyncio
import math
from contextlib import suppress

from aiohttp import web
from aiohttp.typedefs import Handler

from entrypoints.neon_emulator.api.calls import get_route_name
from entrypoints.neon_emulator.api.middleware import EMULATOR, is_disconnected
from entrypoints.neon_emulator.errors import ApiError, Locked
from entrypoints.neon_emulator.state.emulator import Emulator
from entrypoints.neon_emulator.state.faults import AFTER, BEFORE, Fault, How

GATEWAY_PAGE = "<html><head><title>524: A timeout occurred</title></head></html>"

_POLL_INTERVAL = 0.02
"""Seconds: aiohttp does not report that a client has disconnected."""


@web.middleware
async def inject_faults(request: web.Request, handler: Handler) -> web.StreamResponse:
    emulator, route = request.app[EMULATOR], get_route_name(request)
    if fault := emulator.faults.take(route, BEFORE):
        return await _respond_with_fault(request, emulator, fault)
    response = await handler(request)
    if fault := emulator.faults.take(route, AFTER):  # a refused call raised already
        return await _replace_response(request, emulator, fault, response)
    return response


async def _respond_with_fault(
    request: web.Request, emulator: Emulator, fault: Fault
) -> web.StreamResponse:
    match fault.how:
        case How.RESET_BEFORE:
            return _cut_connection(request)
        case How.HANG_BEFORE:
            return await _hang(request, emulator)
        case How.LIMITED:
            raise ApiError(429, "too many requests")
        case How.LIMITED_RETRY_AFTER:
            pause = {"Retry-After": str(math.ceil(fault.seconds))}
            raise ApiError(429, "too many requests", headers=pause)
        case How.LOCKED:
            raise Locked(emulator.behaviour.locked_code)
    raise ApiError(503, "service unavailable")


async def _replace_response(
    request: web.Request, emulator: Emulator, fault: Fault, response: web.StreamResponse
) -> web.StreamResponse:
    match fault.how:
        case How.LOST_AFTER:
            return _cut_connection(request)
        case How.HANG:
            return await _hang(request, emulator)
        case How.GATEWAY_HTML:
            return web.Response(status=524, text=GATEWAY_PAGE, content_type="text/html")
        case How.GARBAGE:
            return _truncate(response)
    raise ApiError(500, "internal error")


def _cut_connection(request: web.Request) -> web.Response:
    """Close the connection; the returned response is not sent."""
    if request.transport:
        request.transport.abort()
    return web.Response()


async def _hang(request: web.Request, emulator: Emulator) -> web.Response:
    """Wait until the client disconnects or the emulator stops."""
    while not (emulator.closing.is_set() or is_disconnected(request)):
        with suppress(TimeoutError):
            await asyncio.wait_for(emulator.closing.wait(), _POLL_INTERVAL)
    return _cut_connection(request)


def _truncate(response: web.StreamResponse) -> web.Response:
    body = response.body if isinstance(response, web.Response) else b""
    text = body if isinstance(body, bytes) else b"{"
    return web.Response(
        status=response.status, body=text[: len(text) // 2], content_type="application/json"
    )
