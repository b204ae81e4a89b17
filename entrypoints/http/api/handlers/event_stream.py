"""Handler of `/v1/databases/{id}/events`: the steps of a database as server-sent events.

The id of an event is the number of its step, so that a browser that reconnects, to any replica,
receives the events that it missed. When no operation is in progress, the event `settled` shows the
record and the stream ends. A browser that reconnects after that is answered 204, which makes it
stop reconnecting (HTML, 9.2.3).
"""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import hdrs, web

from domain.errors import InvalidRequest, PgvendError
from entrypoints.http.api.context import STREAM_LIMITER, USE_CASES, get_caller
from entrypoints.http.api.handles import find_database_id
from entrypoints.http.api.schemas.databases import DatabaseResponse, StepResponse
from entrypoints.http.api.server_sent_events import (
    HEADERS,
    KEEPALIVE,
    is_disconnected,
    render_event,
)
from ports.use_cases.watch_database import Progress

MAX_POLLS = 2400
"""Polls of the registry per stream: ten minutes, after which the browser reconnects."""

KEEPALIVE_POLLS = 60
"""Polls without an event after which a comment keeps proxies from closing the stream."""

SETTLED = "-settled"

EVENT_ID = re.compile(rf"([0-9]{{1,9}})({SETTLED})?")


@dataclass(frozen=True, slots=True)
class LastEvent:
    """The last event that the browser received."""

    number: int = 0
    is_settled: bool = False


async def stream_events(request: web.Request) -> web.StreamResponse:
    last = _parse_last_event(request)
    watch = request.app[USE_CASES].watch
    updates = watch(await find_database_id(request), last.number, get_caller(request))
    first = await anext(updates)  # raises before the stream begins
    if last.is_settled and first.database.is_idle and not first.steps:
        return web.Response(status=204)
    if request.method == hdrs.METH_HEAD:
        return web.Response(headers=HEADERS)
    with request.app[STREAM_LIMITER].slot(get_caller(request)):
        return await _open_stream(request, first, updates)


async def _open_stream(
    request: web.Request, first: Progress, updates: AsyncIterator[Progress]
) -> web.StreamResponse:
    response = web.StreamResponse(headers=HEADERS)
    with suppress(PgvendError, ConnectionError):  # the caller left, or will reconnect
        await response.prepare(request)
        await _write_events(request, response, first, updates)
    return response


async def _write_events(
    request: web.Request,
    response: web.StreamResponse,
    first: Progress,
    updates: AsyncIterator[Progress],
) -> None:
    await response.write(_render_events(first))
    silent_polls = 0
    for _ in range(MAX_POLLS):
        if is_disconnected(request) or (progress := await anext(updates, None)) is None:
            return
        silent_polls = 0 if progress.steps else silent_polls + 1
        if progress.steps or progress.database.is_idle:
            await response.write(_render_events(progress))
        elif silent_polls % KEEPALIVE_POLLS == 0:
            await response.write(KEEPALIVE)


def _render_events(progress: Progress) -> bytes:
    return "".join(_render_each_event(progress)).encode()


def _render_each_event(progress: Progress) -> Iterator[str]:
    for step in progress.steps:
        yield render_event("step", StepResponse.from_domain(step), str(step.number))
    if progress.database.is_idle:
        history = progress.database.history
        number = history[-1].number if history else 0
        record = DatabaseResponse.from_domain(progress.database)
        yield render_event("settled", record, f"{number}{SETTLED}")


def _parse_last_event(request: web.Request) -> LastEvent:
    """Parse Last-Event-ID. Raise InvalidRequest unless it is the id of an event."""
    text = request.headers.get("Last-Event-ID", "")
    if not text:
        return LastEvent()
    if not (parts := EVENT_ID.fullmatch(text)):
        raise InvalidRequest(
            "Last-Event-ID is not the id of an event of this service: send one, or leave it out."
        )
    return LastEvent(int(parts[1]), is_settled=bool(parts[2]))
