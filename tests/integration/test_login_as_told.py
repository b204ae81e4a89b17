"""What a login check sends: a pooler takes no session settings, and tells by refusing the login."""

import asyncio
import struct

import pytest

from adapters.postgres.login_check import PostgresLoginCheck
from domain.connection import Connection
from domain.errors import ProviderBusy
from domain.secret import Secret

POOLERS_KNOW = {"client_encoding", "database", "user"}


async def test_a_login_check_sends_no_settings_that_a_tenant_would_not() -> None:
    startup = asyncio.get_running_loop().create_future()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (length,) = struct.unpack("!i", await reader.readexactly(4))
        startup.set_result(await reader.readexactly(length - 4))
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        connection = Connection(
            host="127.0.0.1",
            port=port,
            database="shop",
            user="user_shop",
            password=Secret("unused"),
            sslmode="disable",
        )
        with pytest.raises(ProviderBusy):
            await PostgresLoginCheck().verify(connection)

    words = (await startup)[4:].decode().split("\0")
    assert set(words[:-2:2]) == POOLERS_KNOW
