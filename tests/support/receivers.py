"""Receivers of webhooks, which tests run on this machine."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from domain.deliveries import Delivery

ACCEPTED = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"

_CHUNK = 65_536

BODY = '{"type":"database.created","data":{"nickname":"Café"}}'.encode()


def format_response(status: int, headers: str = "", body: str = "") -> bytes:
    """Return a response; each of the headers ends with a line end."""
    lines = f"HTTP/1.1 {status} Any\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
    return f"{lines}{headers}\r\n{body}".encode()


@dataclass(frozen=True)
class Message:
    """A request that a receiver got."""

    line: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    """Answers the requests with these responses, the last of which is repeated. None stands for
    a response that never comes."""

    responses: list[bytes | None] = field(default_factory=lambda: [ACCEPTED])
    url: str = ""
    messages: list[Message] = field(default_factory=list)
    long_body: int = 0
    """Bytes of a body that follow the response."""
    sent: int = 0
    """Bytes of it that were sent."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            self.messages.append(await _read_message(reader))
            await self._respond(reader, writer)
        writer.close()

    async def _respond(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        response = self.responses.pop(0) if len(self.responses) > 1 else self.responses[0]
        if response is None:
            await reader.read()  # until the sender closes the connection
            return
        writer.write(response)
        await writer.drain()
        while self.sent < self.long_body:
            writer.write(b"x" * _CHUNK)
            await writer.drain()
            self.sent += _CHUNK

    def create_delivery(self, delivery_id: str = "evt_1", **changes: str) -> Delivery:
        """Return a delivery to this receiver."""
        values = {"webhook_id": "wh_1", "url": self.url, **changes}
        return Delivery(id=delivery_id, body=BODY, **values)  # type: ignore[arg-type]


@asynccontextmanager
async def running_receiver(
    *responses: bytes | None,
    tls: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
    long_body: int = 0,
) -> AsyncIterator[Receiver]:
    """Run a receiver on a free port. Its URL names `host`, where it listens too."""
    receiver = Receiver(list(responses) or [ACCEPTED], long_body=long_body)
    async with await asyncio.start_server(receiver.serve, host, 0, ssl=tls) as server:
        port = server.sockets[0].getsockname()[1]
        receiver.url = f"{'https' if tls else 'http'}://{host}:{port}/hooks?team=a%2Fb"
        yield receiver


async def _read_message(reader: asyncio.StreamReader) -> Message:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    pairs = (line.split(": ", 1) for line in head[1:] if line)
    headers = {name.lower(): value for name, value in pairs}
    return Message(head[0], headers, await reader.readexactly(int(headers["content-length"])))
