"""A false PostgreSQL server with TLS, as an attacker on the way to Neon could run one."""

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from tests.support.certificates import CertificateFiles

HOST = "0.0.0.0"
"""An address of this machine that does not count as loopback."""

SSL_REQUEST = 8
ASK_PASSWORD = struct.pack("!cii", b"R", 8, 3)
"""PostgreSQL's documentation, "Message Formats": AuthenticationCleartextPassword."""


@dataclass
class TlsFront:
    """Presents a certificate, or refuses TLS without one. Asks for the password in plain text, or
    forwards everything to the server at port `upstream` of this machine."""

    certificate: CertificateFiles | None
    upstream: int | None = None
    received: bytearray = field(default_factory=bytearray)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            self.received += await reader.readexactly(SSL_REQUEST)
            writer.write(b"S" if self.certificate else b"N")
            if self.certificate:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(self.certificate.cert, self.certificate.key)
                await writer.start_tls(context)
            await (self._forward(reader, writer) if self.upstream else self._prompt(reader, writer))
        writer.transport.abort()

    async def _prompt(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = struct.unpack("!i", await reader.readexactly(4))[0]
        self.received += await reader.readexactly(length - 4)
        writer.write(ASK_PASSWORD)
        self.received += await reader.read(1000)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        responses, server = await asyncio.open_connection("127.0.0.1", self.upstream)
        await asyncio.gather(_copy(reader, server), _copy(responses, writer))


@dataclass
class Disguise:
    """A middleware of the emulator that names `front` instead of the compute at `port`."""

    front: TlsFront | None = None
    port: int = 0

    @property
    def middleware(self) -> Middleware:
        @web.middleware
        async def rename(request: web.Request, handler: Handler) -> web.StreamResponse:
            response = await handler(request)
            if self.front and isinstance(response, web.Response) and response.text:
                text = response.text.replace(f":{self.port}/", f":{self.front.port}/")
                text = text.replace("127.0.0.1", HOST)
                response.text = text.replace("sslmode=disable", "sslmode=require")
            return response

        return rename


@asynccontextmanager
async def running_front(
    certificate: CertificateFiles | None, upstream: int | None = None
) -> AsyncIterator[TlsFront]:
    front = TlsFront(certificate, upstream)
    async with await asyncio.start_server(front.serve, "127.0.0.1", 0) as server:
        front.port = server.sockets[0].getsockname()[1]
        yield front


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
