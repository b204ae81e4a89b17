"""Connections: their deadlines, their limits, and which one to close for a new one."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, takewhile
from operator import itemgetter
from typing import Protocol

from aiohttp import web

from entrypoints.http.server.malformed_requests import malformed

MAX_HEADERS = 64
"""Maximum number of header lines of a request, each of at most 8190 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of connections; times are in seconds.

    `head` is the time for the TLS handshake and for the request line and headers, counted from the
    start of the connection or from their first byte. `idle` is the time between two requests; it
    is longer than proxies keep connections, so that they do not send a request while the service
    disconnects. `stall` is the time in which a caller must read an answer. aiohttp reads at most
    32 pipelined requests.
    """

    most: int = 10_000
    head: float = 15.0
    idle: float = 75.0
    stall: float = 30.0


class Connection(web.RequestHandler):
    """A caller's connection, which reports its state to the limiter."""

    __slots__ = ("_crowd",)

    def __init__(self, crowd: "Crowd", server: web.Server) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type] # aiohttp's own runner passes it on too
            keepalive_timeout=crowd.limits.idle,
            max_headers=MAX_HEADERS,
        )
        self._crowd = crowd

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._crowd.join(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._crowd.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if data and not self._crowd.is_asking(self):
            self._crowd.heads.begin(self)

    def asked(self, request: web.BaseRequest) -> None:
        """Report that the head of a request is complete."""
        self._crowd.ask(self, request)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            self._crowd.rest(self)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._crowd.stalls.begin(self)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._crowd.stalls.end(self)

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
        return malformed(request, status, exc)

    def abort(self) -> None:
        """Close the connection at once and discard unsent data."""
        if self.transport is not None:
            self.transport.abort()


class Member(Protocol):
    """A connection, established or pending."""

    def abort(self) -> None:
        """Close the connection at once and discard unsent data."""


class Patience:
    """Closes connections that take longer than `seconds` for something.

    All have the same time limit, so that they are late in the order in which they began, and one
    timer is enough.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends: dict[Member, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, member: Member) -> None:
        """Start the time limit unless it is running."""
        loop = asyncio.get_running_loop()
        self._ends.setdefault(member, loop.time() + self._seconds)
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._end_late)

    def end(self, member: Member) -> None:
        self._ends.pop(member, None)

    def _end_late(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        late = list(takewhile(lambda member: self._ends[member] <= now, self._ends))
        for member in late:
            self.end(member)
            member.abort()
        first = next(iter(self._ends.values()), None)
        self._timer = None if first is None else loop.call_at(first, self._end_late)


class Crowd:
    """All connections: idle ones, and those with a request in progress.

    Both are in the order in which they entered that state; the numbers order them across both.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.heads = Patience(limits.head)
        self.stalls = Patience(limits.stall)
        self._at_rest: dict[Member, int] = {}
        self._asking: dict[Member, tuple[int, web.BaseRequest]] = {}
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._at_rest) + len(self._asking)

    def join(self, member: Member) -> None:
        self._at_rest[member] = next(self._numbers)
        self.heads.begin(member)

    def ask(self, member: Member, request: web.BaseRequest) -> None:
        self.heads.end(member)
        if self._at_rest.pop(member, None) is not None:  # otherwise it was closed meanwhile
            self._asking[member] = next(self._numbers), request

    def is_asking(self, member: Member) -> bool:
        return member in self._asking

    def rest(self, member: Member) -> None:
        if self._asking.pop(member, None) is not None:
            self._at_rest[member] = next(self._numbers)

    def leave(self, member: Member) -> None:
        self.heads.end(member)
        self.stalls.end(member)
        self._at_rest.pop(member, None)
        self._asking.pop(member, None)

    def make_room(self) -> bool:
        """Close the connection that has waited longest for its caller, idle or within a request's
        body. Return False if all are waiting for the service."""
        waited_for = [next(iter(self._at_rest.items()), None), next(self._unfinished(), None)]
        if not any(waited_for):
            return False
        member, _ = min(filter(None, waited_for), key=itemgetter(1))
        self.leave(member)
        member.abort()
        return True

    def _unfinished(self) -> Iterator[tuple[Member, int]]:
        for member, (number, request) in self._asking.items():
            if not request.content.is_eof():
                yield member, number
