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
from pydantic import BaseModel

from domain.errors import InvalidRequest, PgvendError
from entrypoints.http.api.context import STOPPING, STREAMS, USE_CASES
from entrypoints.http.api.schemas.databases import DatabaseResponse, StepResponse
from entrypoints.http.callers import caller_of
from ports.use_cases.watch_database import Look

LONGEST = 2400
"""Polls of the registry per stream: ten minutes, after which the browser reconnects."""

QUIET = 60
"""Polls without an event after which a comment keeps proxies from closing the stream."""

HEADERS = {
    "Content-Type": "text/event-stream",
    "X-Accel-Buffering": "no",  # otherwise nginx buffers events
}

SETTLED = "-settled"

EVENT_ID = re.compile(rf"([0-9]{{1,9}})({SETTLED})?")


@dataclass(frozen=True, slots=True)
class Last:
    """The last event that the browser received."""

    number: int = 0
    is_settled: bool = False


async def stream_events(request: web.Request) -> web.StreamResponse:
    last = _last(request)
    watch = request.app[USE_CASES].watch
    looks = watch(request.match_info["id"], last.number, caller_of(request))
    first = await anext(looks)  # raises before the stream begins
    if last.is_settled and first.database.is_at_rest and not first.steps:
        return web.Response(status=204)
    if request.method == hdrs.METH_HEAD:
        return web.Response(headers=HEADERS)
    with request.app[STREAMS].one_of(caller_of(request)):
        return await _streamed(request, first, looks)


async def _streamed(
    request: web.Request, first: Look, looks: AsyncIterator[Look]
) -> web.StreamResponse:
    response = web.StreamResponse(headers=HEADERS)
    with suppress(PgvendError, ConnectionError):  # the caller left, or will reconnect
        await response.prepare(request)
        await _stream(request, response, first, looks)
    return response


async def _stream(
    request: web.Request, response: web.StreamResponse, first: Look, looks: AsyncIterator[Look]
) -> None:
    await response.write(_told(first))
    silent = 0
    for _ in range(LONGEST):
        if _is_left(request) or (look := await anext(looks, None)) is None:
            return
        silent = 0 if look.steps else silent + 1
        if look.steps or look.database.is_at_rest:
            await response.write(_told(look))
        elif silent % QUIET == 0:
            await response.write(b": keep-alive\n\n")


def _is_left(request: web.Request) -> bool:
    """Return whether the caller disconnected or the service is stopping."""
    return request.transport is None or request.app[STOPPING].is_set()


def _told(look: Look) -> bytes:
    return "".join(_events(look)).encode()


def _events(look: Look) -> Iterator[str]:
    for step in look.steps:
        yield _event(str(step.number), "step", StepResponse.of(step))
    if look.database.is_at_rest:
        history = look.database.history
        number = history[-1].number if history else 0
        yield _event(f"{number}{SETTLED}", "settled", DatabaseResponse.of(look.database))


def _event(event_id: str, name: str, body: BaseModel) -> str:
    return f"id: {event_id}\nevent: {name}\ndata: {body.model_dump_json()}\n\n"


def _last(request: web.Request) -> Last:
    """Parse Last-Event-ID. Raise InvalidRequest unless it is the id of an event."""
    text = request.headers.get("Last-Event-ID", "")
    if not text:
        return Last()
    if not (parts := EVENT_ID.fullmatch(text)):
        raise InvalidRequest(
            "Last-Event-ID is not the id of an event of this service: send one, or leave it out."
        )
    return Last(int(parts[1]), is_settled=bool(parts[2]))
