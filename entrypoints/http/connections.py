"""Connections: how long each is waited for, how much it may send ahead, how many there are."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, takewhile
from operator import itemgetter
from typing import Protocol

from aiohttp import web

from entrypoints.http.malformed import malformed

MAX_HEADERS = 64
"""Lines of a request's head, each of at most 8190 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What callers get of us, however little they ask; times are in seconds.

    `head` is for a request's line and headers, from their first byte or from the beginning of the
    connection, and for the handshake of TLS; `idle` lies between two requests, and is longer than
    proxies keep a connection for, so that they do not ask just when we hang up; `stall` is for
    taking what we answer. Of requests sent ahead aiohttp reads 32.
    """

    most: int = 10_000
    head: float = 15.0
    idle: float = 75.0
    stall: float = 30.0


class Connection(web.RequestHandler):
    """One caller's connection, which tells the crowd what it is doing."""

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
        """A request's head is complete, and the request in hand."""
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
        """The answer to what is no request."""
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun already")
        return malformed(request, status, exc)

    def abort(self) -> None:
        """End it at once, whatever is still to be sent."""
        if self.transport is not None:
            self.transport.abort()


class Member(Protocol):
    """Of the crowd: a connection, or somebody who is about to have one."""

    def abort(self) -> None:
        """End it at once, whatever is still to be sent."""


class Patience:
    """Ends connections that take longer than `seconds` for something. All get the same time: who
    began first is late first, and one timer does for all."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends: dict[Member, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, member: Member) -> None:
        """Time runs from now, unless it does already."""
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
    """All connections: those at rest, and those that have asked something, with their requests. In
    both, who came there first is first; numbers tell who of two from both was."""

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
        if self._at_rest.pop(member, None) is not None:  # else it was sent away meanwhile
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
        """End the connection that we have been waiting for longest, at rest or amid its request's
        body; False where all are waiting for us."""
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
