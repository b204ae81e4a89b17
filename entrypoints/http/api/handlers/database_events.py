"""Handler of `/v1/events`: the changed records of all databases of a caller as server-sent events.

The first event, `ready`, says that every later change will be sent. A client lists the databases
after it, so that it misses nothing, and does the same after each reconnection. The events have no
ids: there is nothing to resume.
"""

from contextlib import suppress
from functools import lru_cache

from aiohttp import hdrs, web

from domain.errors import PgvendError
from entrypoints.http.api.context import CREDENTIALS, STREAM_LIMITER, USE_CASES, get_caller
from entrypoints.http.api.schemas.databases import DatabaseResponse
from entrypoints.http.api.schemas.events import ReadyResponse
from entrypoints.http.api.server_sent_events import (
    HEADERS,
    KEEPALIVE,
    is_disconnected,
    render_event,
)
from ports.use_cases.record_feed import Change
from ports.use_cases.watch_databases import Watch

MAX_SECONDS = 1800.0
"""The duration of a stream: half an hour, after which the client reconnects."""

KEEPALIVE_WAITS = 15
"""Seconds without a change after which a comment is sent, and the key is checked again."""


async def stream_database_events(request: web.Request) -> web.StreamResponse:
    if request.method == hdrs.METH_HEAD:
        return web.Response(headers=HEADERS)
    caller = get_caller(request)
    with request.app[STREAM_LIMITER].slot(caller):
        async with request.app[USE_CASES].watch_all(caller) as watch:
            return await _open_stream(request, watch)


async def _open_stream(request: web.Request, watch: Watch) -> web.StreamResponse:
    response = web.StreamResponse(headers=HEADERS)
    ready = ReadyResponse(now=request.app[USE_CASES].clock.now())
    with suppress(PgvendError, ConnectionError):  # the caller left, or has to reconnect
        await response.prepare(request)
        await response.write(render_event("ready", ready).encode())
        await _write_changes(request, response, watch)
    return response


async def _write_changes(request: web.Request, response: web.StreamResponse, watch: Watch) -> None:
    """Write the changes, and nothing after the key was revoked or has expired."""
    use_cases = request.app[USE_CASES]
    ends_at = use_cases.clock.elapsed() + MAX_SECONDS
    silent_waits = 0
    while use_cases.clock.elapsed() < ends_at:
        changes = await watch.next_changes()
        if is_disconnected(request):
            return
        silent_waits = 0 if changes else silent_waits + 1
        if changes or silent_waits % KEEPALIVE_WAITS == 0:
            await use_cases.access.authenticate.check_key(request[CREDENTIALS])
            for event in map(_render_change, changes):  # one at a time: the buffer stays small
                await response.write(event)
            if not changes:
                await response.write(KEEPALIVE)


@lru_cache(maxsize=256)
def _render_change(change: Change) -> bytes:
    """Render the change once for all streams."""
    return render_event("database", DatabaseResponse.from_domain(change.database)).encode()
