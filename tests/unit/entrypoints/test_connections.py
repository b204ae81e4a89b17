"""Connections without a socket, whose deadlines pass in a chosen turn of the event loop."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from entrypoints.http.server.connection_limiter import (
    ConnectionLimiter,
    ConnectionLimits,
    HttpConnection,
)

ASK = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class _Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.ended = asyncio.Event()
        self.is_aborted = False

    def write(self, data: Any) -> None:
        self.written += data
        self.ended.set()

    def abort(self) -> None:
        self.is_aborted = True
        self.ended.set()

    def close(self) -> None:
        self.ended.set()

    def is_closing(self) -> bool:
        return self.is_aborted


@pytest.mark.parametrize(("head", "is_answered"), [(ASK, True), (ASK[:-1], False)])
async def test_a_head_that_is_complete_when_its_time_ends_is_answered(
    head: bytes, is_answered: bool
) -> None:
    """A busy service may read the head in the turn of the event loop in which the time ends."""
    server, transport = web.Server(_answer), _Transport()
    connection = HttpConnection(ConnectionLimiter(ConnectionLimits(head=0.0)), server)
    connection.connection_made(transport)
    asyncio.get_running_loop().call_soon(connection.data_received, head)

    await transport.ended.wait()

    assert transport.written.startswith(b"HTTP/1.1 200") is is_answered
    assert transport.is_aborted is not is_answered
    connection.connection_lost(None)
    await server.shutdown()


async def _answer(_: web.BaseRequest) -> web.StreamResponse:
    return web.Response()
