"""Accepting connections: each one counts from the start, before its TLS handshake."""

import asyncio
import socket
import ssl
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import structlog
from aiohttp import web

from entrypoints.http.server.connection_limiter import Connection, Crowd

AT_ONCE = 64
"""Connections that are accepted in a row before other events are handled."""

PAUSE = 1.0
"""Seconds without new connections after the process ran out of file descriptors."""

GOODBYE = 5.0
"""Seconds for an orderly end of TLS."""


@dataclass(frozen=True, eq=False)
class Arrival:
    """An accepted socket whose connection or TLS handshake is not complete."""

    socket: socket.socket
    entering: asyncio.Task[None]

    def abort(self) -> None:
        self.entering.cancel()


class Door:
    """Accepts connections at `listener`. At the limit, an idle connection is closed for a new
    one."""

    def __init__(
        self,
        server: web.Server,
        crowd: Crowd,
        listener: socket.socket,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._server = server
        self._crowd = crowd
        self._listener = listener
        self._tls = tls
        self._arrivals: set[Arrival] = set()

    def __enter__(self) -> Self:
        self._listener.setblocking(False)
        self._open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.get_running_loop().remove_reader(self._listener)
        self._listener.close()
        for arrival in self._arrivals:
            arrival.abort()

    def _open(self) -> None:
        if self._listener.fileno() >= 0:
            asyncio.get_running_loop().add_reader(self._listener, self._let_in)

    def _let_in(self) -> None:
        for _ in range(AT_ONCE):
            try:
                arrived, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._rest(error)
                return
            if not self._admit(arrived):
                return  # the closed connection takes a moment to disappear

    def _rest(self, error: OSError) -> None:
        """Close a connection and pause, because file descriptors are exhausted."""
        structlog.get_logger().warning("connections.exhausted", error=error.strerror)
        self._crowd.make_room()
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._listener)
        loop.call_later(PAUSE, self._open)

    def _admit(self, arrived: socket.socket) -> bool:
        """Start the connection unless the limit is reached. Return whether there was room."""
        has_room = len(self._crowd) < self._crowd.limits.most
        if not has_room and not self._crowd.make_room():
            structlog.get_logger().warning("connections.refused", most=self._crowd.limits.most)
            arrived.close()
            return False
        arrival = Arrival(arrived, asyncio.create_task(self._enter(arrived)))
        self._arrivals.add(arrival)
        self._crowd.join(arrival)
        arrival.entering.add_done_callback(lambda _: self._entered(arrival))
        return has_room

    async def _enter(self, arrived: socket.socket) -> None:
        arrived.setblocking(False)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: Connection(self._crowd, self._server),
                arrived,
                ssl=self._tls,
                ssl_shutdown_timeout=GOODBYE if self._tls else None,
            )
        except OSError as error:  # the caller disconnected, or does not speak TLS
            structlog.get_logger().debug("connections.failed", error=type(error).__name__)

    def _entered(self, arrival: Arrival) -> None:
        """Forget the pending connection: it is established, and counted as such, or closed."""
        self._crowd.leave(arrival)
        self._arrivals.discard(arrival)
        if arrival.entering.cancelled():  # possibly before it started
            arrival.socket.close()
