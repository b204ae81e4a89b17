"""Accepting connections: each one counts from the start, before its TLS handshake."""

import asyncio
import socket
import ssl
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import structlog
from aiohttp import web

from entrypoints.http.server.connection_limiter import ConnectionLimiter, HttpConnection

ACCEPT_BATCH = 64
"""Connections that are accepted in a row before other events are handled."""

PAUSE = 1.0
"""Seconds without new connections after the process ran out of file descriptors."""

TLS_SHUTDOWN_TIMEOUT = 5.0
"""Seconds for an orderly end of TLS."""


@dataclass(frozen=True, eq=False)
class PendingConnection:
    """An accepted socket whose connection or TLS handshake is not complete."""

    socket: socket.socket
    task: asyncio.Task[None]

    def abort(self) -> None:
        self.task.cancel()


class Acceptor:
    """Accepts connections at `listener`. At the limit, an idle connection is closed for a new
    one."""

    def __init__(
        self,
        server: web.Server,
        limiter: ConnectionLimiter,
        listener: socket.socket,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._server = server
        self._limiter = limiter
        self._listener = listener
        self._tls = tls
        self._pending: set[PendingConnection] = set()

    def __enter__(self) -> Self:
        self._listener.setblocking(False)
        self._listen()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.get_running_loop().remove_reader(self._listener)
        self._listener.close()
        for pending in self._pending:
            pending.abort()

    def _listen(self) -> None:
        if self._listener.fileno() >= 0:
            asyncio.get_running_loop().add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        for _ in range(ACCEPT_BATCH):
            try:
                client, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._pause(error)
                return
            if not self._add(client):
                return  # the closed connection takes a moment to disappear

    def _pause(self, error: OSError) -> None:
        """Close a connection and pause, because file descriptors are exhausted."""
        structlog.get_logger().warning("connections.exhausted", error=error.strerror)
        self._limiter.make_room()
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._listener)
        loop.call_later(PAUSE, self._listen)

    def _add(self, client: socket.socket) -> bool:
        """Start the connection unless the limit is reached. Return whether there was room."""
        has_room = len(self._limiter) < self._limiter.limits.max_connections
        if not has_room and not self._limiter.make_room():
            structlog.get_logger().warning(
                "connections.refused", max_connections=self._limiter.limits.max_connections
            )
            client.close()
            return False
        pending = PendingConnection(client, asyncio.create_task(self._connect(client)))
        self._pending.add(pending)
        self._limiter.add(pending)
        pending.task.add_done_callback(lambda _: self._finish(pending))
        return has_room

    async def _connect(self, client: socket.socket) -> None:
        client.setblocking(False)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: HttpConnection(self._limiter, self._server),
                client,
                ssl=self._tls,
                ssl_shutdown_timeout=TLS_SHUTDOWN_TIMEOUT if self._tls else None,
            )
        except OSError as error:  # the caller disconnected, or does not speak TLS
            structlog.get_logger().debug("connections.failed", error=type(error).__name__)

    def _finish(self, pending: PendingConnection) -> None:
        """Forget the pending connection: it is established, and counted as such, or closed."""
        self._limiter.remove(pending)
        self._pending.discard(pending)
        if pending.task.cancelled():  # possibly before it started
            pending.socket.close()
