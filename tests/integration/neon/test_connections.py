"""Kept connections that the server closes before the next request."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from adapters.neon.api_models import Accepted, ApiModel
from adapters.neon.budget import Budget
from adapters.neon.client import Client, open_client
from adapters.system.clock import SystemClock
from domain.errors import OutcomeUnknown
from domain.secrets import Secret

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@dataclass
class OneRequestServer:
    """A server that answers the first request on each connection and closes it at the second."""

    methods: list[str] = field(default_factory=list)
    """The methods of all requests."""

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._read_request(reader)
            writer.write(ANSWER)
            await self._read_request(reader)
        except asyncio.IncompleteReadError:  # the client has disconnected
            pass
        finally:
            writer.close()

    async def _read_request(self, reader: asyncio.StreamReader) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.methods.append(head.split(b" ", 1)[0].decode())


@asynccontextmanager
async def client_of(server: OneRequestServer) -> AsyncIterator[Client]:
    """Open a client with a kept connection, which the server closes at the next request."""
    async with await asyncio.start_server(server, "127.0.0.1", 0) as listening:
        host, port = listening.sockets[0].getsockname()
        clock = SystemClock()
        url, budget = f"http://{host}:{port}", Budget(clock)
        async with open_client(url, Secret("napi_anunknownkey"), budget, clock) as client:
            await client.read("/first", ApiModel)
            yield client


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST", "PATCH"])
async def test_a_read_is_repeated_and_a_change_is_not(method: str) -> None:
    server = OneRequestServer()
    async with client_of(server) as client:
        if method == "GET":
            await client.read("/second", ApiModel)
        else:
            with pytest.raises(OutcomeUnknown):
                await client.write(method, "/second", Accepted)

    assert server.methods == (["GET"] * 3 if method == "GET" else ["GET", method])
