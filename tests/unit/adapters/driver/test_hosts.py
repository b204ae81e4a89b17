"""Sessions with one of several hosts, some of which are unusable."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import asyncpg
import pytest

from adapters.driver.connector import connect, login_from_url
from domain.postgres_url import PostgresUrl
from tests.support.servers import OperatorsServer, find_free_port

SSL_REQUEST = b"\x04\xd2\x16\x2f"

STARTING = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0"
"""The fields of an ErrorResponse (PostgreSQL's documentation, "Message Formats")."""


async def _stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def _report_starting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readexactly(8)
    if head.endswith(SSL_REQUEST):
        writer.write(b"N")
        await reader.read(1)
    else:
        writer.write(b"E" + (len(STARTING) + 4).to_bytes(4) + STARTING)
    writer.close()


KINDS = {"silent": _stay_silent, "starting": _report_starting, "absent": None}


@pytest.fixture(params=KINDS)
async def unusable_port(request: pytest.FixtureRequest) -> AsyncIterator[int]:
    """Yield the port of an unusable host."""
    async with AsyncExitStack() as stack:
        if kind := KINDS[request.param]:
            server = await asyncio.start_server(kind, "127.0.0.1", 0)
            await stack.enter_async_context(server)
            yield server.sockets[0].getsockname()[1]
        else:
            yield find_free_port()


@pytest.mark.parametrize("options", ["", "sslmode=disable"])
async def test_the_next_host_is_tried_after_an_unusable_one(
    server_15: OperatorsServer, unusable_port: int, options: str
) -> None:
    dsn = server_15.dsn().replace("127.0.0.1", f"127.0.0.1:{unusable_port},127.0.0.1")
    login = login_from_url(PostgresUrl.parse(f"{dsn}?{options}"), "PGVEND_POSTGRES_ADMIN_DSN")
    session = await connect(**login, timeout=2)
    assert await session.fetchval("SELECT inet_server_port()") == server_15.port
    await session.close()


async def test_a_refused_login_is_not_tried_on_the_next_host(server_15: OperatorsServer) -> None:
    dsn = server_15.dsn("nobody").replace(f"{server_15.port}", f"{server_15.port},127.0.0.1:1")
    login = login_from_url(PostgresUrl.parse(dsn), "PGVEND_POSTGRES_ADMIN_DSN")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await connect(**login, timeout=2)


@pytest.mark.parametrize("attributes", ["standby", "read-only"])
async def test_a_server_of_another_role_is_skipped(
    server_15: OperatorsServer, attributes: str
) -> None:
    dsn = server_15.dsn().replace("127.0.0.1", f"127.0.0.1:{server_15.port},127.0.0.1")
    url = PostgresUrl.parse(f"{dsn}?target_session_attrs={attributes}")
    with pytest.raises(asyncpg.InternalClientError):
        await connect(**login_from_url(url, "PGVEND_POSTGRES_ADMIN_DSN"), timeout=2)
