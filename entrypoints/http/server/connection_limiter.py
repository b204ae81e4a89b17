"""Connections: their deadlines, their limits, and which one to close for a new one."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, takewhile
from operator import itemgetter
from typing import Protocol

from aiohttp import web

from entrypoints.http.server.malformed_requests import render_malformed_request

MAX_HEADERS = 64
"""Maximum number of header lines of a request, each of at most 8190 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """Limits of connections; times are in seconds.

    `head` is the time for the TLS handshake and for the request line and headers, counted from the
    start of the connection or from their first byte. `idle` is the time between two requests; it
    is longer than proxies keep connections, so that they do not send a request while the service
    disconnects. `stall` is the time in which a caller must read an answer. aiohttp reads at most
    32 pipelined requests.
    """

    max_connections: int = 10_000
    head: float = 15.0
    idle: float = 75.0
    stall: float = 30.0


class HttpConnection(web.RequestHandler):
    """A caller's connection, which reports its state to the limiter."""

    __slots__ = ("_limiter",)

    def __init__(self, limiter: "ConnectionLimiter", server: web.Server) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type] # aiohttp's own runner passes it on too
            keepalive_timeout=limiter.limits.idle,
            max_headers=MAX_HEADERS,
        )
        self._limiter = limiter

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._limiter.add(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._limiter.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._messages:  # a head is complete; its request starts in a later turn of the loop
            self._limiter.head_deadlines.end(self)
        elif data and not self._limiter.is_handling_request(self):
            self._limiter.head_deadlines.begin(self)

    def start_request(self, request: web.BaseRequest) -> None:
        """Report that the head of a request is complete."""
        self._limiter.start_request(self, request)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            self._limiter.finish_request(self)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._limiter.write_deadlines.begin(self)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._limiter.write_deadlines.end(self)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a malformed request."""
        if request.writer.output_size > 0:
            raise ConnectionError("the answer was already started")
        return render_malformed_request(request, status, exc)

    def abort(self) -> None:
        """Close the connection at once and discard unsent data."""
        if self.transport is not None:
            self.transport.abort()


class Abortable(Protocol):
    """A connection, established or pending."""

    def abort(self) -> None:
        """Close the connection at once and discard unsent data."""


class Deadlines:
    """Closes connections that take longer than `seconds` for something.

    All have the same time limit, so that they are late in the order in which they began, and one
    timer is enough.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._deadlines: dict[Abortable, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, connection: Abortable) -> None:
        """Start the time limit unless it is running."""
        loop = asyncio.get_running_loop()
        self._deadlines.setdefault(connection, loop.time() + self._seconds)
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._abort_late)

    def end(self, connection: Abortable) -> None:
        self._deadlines.pop(connection, None)

    def _abort_late(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        late = list(
            takewhile(lambda connection: self._deadlines[connection] <= now, self._deadlines)
        )
        for connection in late:
            self.end(connection)
            connection.abort()
        first = next(iter(self._deadlines.values()), None)
        self._timer = None if first is None else loop.call_at(first, self._abort_late)


class ConnectionLimiter:
    """All connections: idle ones, and those with a request in progress.

    Both are in the order in which they entered that state; the numbers order them across both.
    """

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self.head_deadlines = Deadlines(limits.head)
        self.write_deadlines = Deadlines(limits.stall)
        self._idle: dict[Abortable, int] = {}
        self._busy: dict[Abortable, tuple[int, web.BaseRequest]] = {}
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._idle) + len(self._busy)

    def add(self, connection: Abortable) -> None:
        self._idle[connection] = next(self._numbers)
        self.head_deadlines.begin(connection)

    def start_request(self, connection: Abortable, request: web.BaseRequest) -> None:
        self.head_deadlines.end(connection)
        if self._idle.pop(connection, None) is not None:  # otherwise it was closed meanwhile
            self._busy[connection] = next(self._numbers), request

    def is_handling_request(self, connection: Abortable) -> bool:
        return connection in self._busy

    def finish_request(self, connection: Abortable) -> None:
        if self._busy.pop(connection, None) is not None:
            self._idle[connection] = next(self._numbers)

    def remove(self, connection: Abortable) -> None:
        self.head_deadlines.end(connection)
        self.write_deadlines.end(connection)
        self._idle.pop(connection, None)
        self._busy.pop(connection, None)

    def make_room(self) -> bool:
        """Close the connection that has waited longest for its caller, idle or within a request's
        body. Return False if all are waiting for the service."""
        candidates = [next(iter(self._idle.items()), None), next(self._find_unfinished(), None)]
        if not any(candidates):
            return False
        connection, _ = min(filter(None, candidates), key=itemgetter(1))
        self.remove(connection)
        connection.abort()
        return True

    def _find_unfinished(self) -> Iterator[tuple[Abortable, int]]:
        for connection, (number, request) in self._busy.items():
            if not request.content.is_eof():
                yield connection, number
