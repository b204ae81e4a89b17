"""A proxy for PostgreSQL's protocol that breaks one session at a chosen request.

It stands between the service and a real server. A request is a message that the server answers, or
the last one: a login, a password, a statement, its preparation or execution, or a termination.
Requests are numbered over all sessions, in the order in which the proxy receives them.
"""

import asyncio
import re
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[str], Awaitable[Streams]]
"""Opens a connection to the server for the user of that name."""

_CANCEL_REQUEST = 80877102
_CHUNK = 65_536
_ENDS_OF_REQUESTS = b"QSHpX"  # query, sync, flush, password, terminate

_FATAL = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"
_END_OF_SESSION = b"E" + struct.pack("!i", len(_FATAL) + 4) + _FATAL


class FaultKind(StrEnum):
    """The effect of a fault on its request."""

    CUT_BEFORE = "the connection is cut before the server receives it"
    CUT_AFTER = "the connection is cut after the server has received it"
    SWALLOWED = "the connection is cut after the server has answered"
    LAST = "the server ends the session together with its answer"
    HELD = "it never reaches the server, and the connection stays open"
    WATCHED = "it reaches the server, and the test is notified"


@dataclass
class Fault:
    """Affects one request: number `at` (from 0), or the first whose name begins with `at`."""

    kind: FaultKind = FaultKind.WATCHED
    at: int | str | None = None
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    pid: int = 0
    """The server's process of the affected session, or 0 before the login."""

    def affects(self, number: int, name: str) -> bool:
        if isinstance(self.at, str):
            return name.startswith(self.at) and not self.reached.is_set()
        return number == self.at


@dataclass
class Proxy:
    """A proxy, and the requests and sessions that it has relayed."""

    connect: Connect
    fault: Fault = field(default_factory=Fault)
    requests: list[str] = field(default_factory=list)
    pids: list[int] = field(default_factory=list)
    """The server's processes of all sessions that logged in through the proxy."""
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = _Session(self, reader, writer)
        with suppress(OSError, asyncio.IncompleteReadError):
            await session.run()
        session.cut()


@asynccontextmanager
async def running_proxy(connect: Connect, fault: Fault | None = None) -> AsyncIterator[Proxy]:
    proxy = Proxy(connect, fault or Fault())
    sessions: set[asyncio.Task[None]] = set()

    def start_session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(proxy.serve(reader, writer))
        sessions.add(task)
        task.add_done_callback(sessions.discard)

    server = await asyncio.start_server(start_session, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        for task in list(sessions):
            task.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)


class _Session:
    def __init__(
        self, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._proxy = proxy
        self._reader, self._client = reader, writer
        self._server: asyncio.StreamWriter | None = None
        self._prepared: dict[bytes, str] = {}
        self._swallow_until = self._end_after = b""
        self._pid = 0

    async def run(self) -> None:
        startup = await _read_startup(self._reader)
        code = struct.unpack("!i", startup[4:8])[0]
        words = startup[8:].split(b"\0")
        user = "" if code == _CANCEL_REQUEST else words[words.index(b"user") + 1].decode()
        answers, self._server = await self._proxy.connect(user)
        relay_task = asyncio.create_task(self._relay_answers(answers))
        try:
            if code == _CANCEL_REQUEST:
                self._server.write(startup)
                await relay_task
                return
            await self._relay_request(startup, "log in", b"R")
            await self._relay_requests()
        finally:
            relay_task.cancel()
            with suppress(OSError, asyncio.CancelledError, asyncio.IncompleteReadError):
                await relay_task
            self.cut()

    def cut(self) -> None:
        for writer in (self._client, self._server):
            if writer:
                writer.transport.abort()

    async def _relay_requests(self) -> None:
        request, name = b"", ""
        while True:
            kind, message = await _read_message(self._reader)
            request += message
            name = name or self._name_request(kind, message)
            if kind in _ENDS_OF_REQUESTS:
                answer_ends = {b"H": b"TnE", b"p": b"RE"}.get(kind, b"Z")
                await self._relay_request(request, name, answer_ends)
                request, name = b"", ""

    async def _relay_request(self, request: bytes, name: str, answer_ends: bytes) -> None:
        assert self._server
        fault, number = self._proxy.fault, len(self._proxy.requests)
        self._proxy.requests.append(name)
        kind = fault.kind if fault.affects(number, name) else None
        if kind is FaultKind.SWALLOWED:
            self._swallow_until = answer_ends
        if kind is FaultKind.LAST:
            self._end_after = answer_ends
        if kind not in {FaultKind.CUT_BEFORE, FaultKind.HELD}:
            self._server.write(request)
            await self._server.drain()
        if kind:
            fault.pid = self._pid
            fault.reached.set()
        if kind in {FaultKind.CUT_BEFORE, FaultKind.CUT_AFTER}:
            self._client.transport.abort()
            self._server.close()
            raise ConnectionAbortedError
        if kind is FaultKind.HELD:
            await self._reader.read()  # until the client disconnects
            raise ConnectionAbortedError

    async def _relay_answers(self, answers: asyncio.StreamReader) -> None:
        rest = b""
        try:
            while received := await answers.read(_CHUNK):
                messages, rest = _split_messages(rest + received)
                self._client.write(b"".join(map(self._relay_answer, messages)))
                await self._client.drain()
        finally:
            self.cut()

    def _relay_answer(self, message: bytes) -> bytes:
        """Return what the client gets."""
        kind = message[:1]
        if kind == b"K":
            self._pid = struct.unpack("!i", message[5:9])[0]
            self._proxy.pids.append(self._pid)
        if self._end_after and kind in self._end_after:
            return message + _END_OF_SESSION
        if self._swallow_until and kind in self._swallow_until:
            raise ConnectionAbortedError
        return b"" if self._swallow_until else message

    def _name_request(self, kind: bytes, message: bytes) -> str:
        body = message[5:]
        if kind == b"Q":
            return _shorten(body)
        if kind == b"P":
            name, text = body.split(b"\0")[:2]
            self._prepared[name] = _shorten(text)
            return f"prepare {self._prepared[name]}"
        if kind == b"B":
            return f"run {self._prepared[body.split(bytes(1))[1]]}"
        return {b"p": "password", b"X": "terminate", b"S": "sync"}.get(kind, kind.decode())


async def _read_startup(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(4)
    return head + await reader.readexactly(struct.unpack("!i", head)[0] - 4)


async def _read_message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Return one message: its type, and all its bytes."""
    head = await reader.readexactly(5)
    return head[:1], head + await reader.readexactly(struct.unpack("!i", head[1:])[0] - 4)


def _split_messages(received: bytes) -> tuple[list[bytes], bytes]:
    """Return the complete messages, and the beginning of the next one."""
    messages, start = [], 0
    while len(received) >= start + 5:
        end = start + 1 + struct.unpack_from("!i", received, start + 1)[0]
        if end > len(received):
            break
        messages.append(received[start:end])
        start = end
    return messages, received[start:]


def _shorten(text: bytes) -> str:
    """Return the statement without the parts that differ between databases."""
    words = " ".join(text.rstrip(b"\0").decode().split())
    return re.sub(r"\"[^\"]*\"|'[^']*'|-?\d{6,}", "…", words)[:60]
