"""Raw connections to the service, to send bytes that no client library sends."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from multidict import CIMultiDict

from entrypoints.config.provider import ProviderName
from entrypoints.http.server.connection_limiter import ConnectionLimits
from tests.support.apps import Answer, create_container, serving_app

ASK = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"

PATIENCE = 60.0
"""Seconds for an answer or an end on a busy machine; no test is about this time."""


@dataclass(frozen=True)
class RawConnection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def read_head(self) -> tuple[int, Mapping[str, str]]:
        """Read the status and the headers of the next answer."""
        async with asyncio.timeout(PATIENCE):
            line, *fields = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = CIMultiDict[str](field.partition(": ")[::2] for field in fields if field)
        return int(line.split()[1]), headers

    async def read_answer(self) -> Answer:
        """Read the next answer, which has a JSON body."""
        status, headers = await self.read_head()
        async with asyncio.timeout(PATIENCE):
            body = await self.reader.readexactly(int(headers["Content-Length"]))
        return Answer(status, headers, json.loads(body))

    async def ask(self, data: bytes = ASK) -> Answer:
        self.send(data)
        return await self.read_answer()

    async def read_to_end(self) -> bytes:
        """Return all bytes that arrive until the service closes the connection."""
        async with asyncio.timeout(PATIENCE):
            try:
                return await self.reader.read()
            except ConnectionResetError:
                return b""


@asynccontextmanager
async def connect_raw(port: int, **options: Any) -> AsyncIterator[RawConnection]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, **options)
    try:
        yield RawConnection(reader, writer)
    finally:
        writer.transport.abort()


@asynccontextmanager
async def connect_many_raw(port: int, many: int) -> AsyncIterator[list[RawConnection]]:
    """Open that many connections."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(connect_raw(port)) for _ in range(many)]


@asynccontextmanager
async def running_limited_app(**limits: Any) -> AsyncIterator[int]:
    """Run an application with these limits, and yield its port."""
    async with serving_app(
        create_container(ProviderName.MEMORY), limits=ConnectionLimits(**limits)
    ) as (port, _):
        yield port


async def ask_once(port: int, data: bytes = ASK, **options: Any) -> Answer:
    """Send the request on a new connection, and return the answer."""
    async with connect_raw(port, **options) as wire:
        return await wire.ask(data)


def request(path: str = "/livez", method: str = "GET", **headers: str) -> bytes:
    """Return the head of a request; `headers` have underscores for hyphens."""
    fields: Mapping[str, str] = {"Host": "localhost"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {fields[name]}" for name in fields)]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"
