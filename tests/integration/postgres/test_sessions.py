"""Startup parameters of sessions: poolers and proxies accept only some."""

import asyncio
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress

from adapters.postgres.login_check import PostgresLoginCheck
from adapters.postgres.sessions import (
    SESSION_SETTINGS,
    acquire_session,
    login_from_connection,
    open_session,
)
from domain.connection import Connection
from domain.errors import ProviderBusy
from domain.secrets import Secret
from tests.support.postgres_under_test import PostgresUnderTest

POOLERS_ACCEPT = {"client_encoding", "database", "user"}
"""PgBouncer refuses a login with any other parameter that it is not configured to ignore."""

PROXIES_FORWARD = POOLERS_ACCEPT | {"application_name", "options"}
"""Neon's proxy silently drops all other parameters."""


async def test_a_login_check_sends_only_a_tenants_parameters() -> None:
    assert await _record_parameters(PostgresLoginCheck().verify) == POOLERS_ACCEPT


async def test_sessions_of_pgvend_send_only_parameters_that_neon_forwards() -> None:
    async def open_one(connection: Connection) -> None:
        async with open_session(login_from_connection(connection)):
            pass

    assert await _record_parameters(open_one) == PROXIES_FORWARD


async def test_all_settings_of_pgvends_sessions_take_effect(postgres: PostgresUnderTest) -> None:
    """With them, the server detects within a minute that pgvend vanished, for example by a power
    failure. Otherwise a session with a tenant's lock would stay for hours."""
    idle, interval, count = (
        int(SESSION_SETTINGS[f"tcp_keepalives_{name}"]) for name in ("idle", "interval", "count")
    )
    assert 0 < idle + interval * count <= 60
    assert SESSION_SETTINGS["tcp_user_timeout"] == "60000"

    over_tcp = postgres.provider.server.superuser is None
    wanted = {
        name: "1min" if value == "60s" else value
        for name, value in SESSION_SETTINGS.items()
        if over_tcp or not name.startswith("tcp_")  # Unix sockets do not have these
    }
    async with (
        open_session(postgres.provider.server.admin) as single,
        acquire_session(postgres.provider.pool) as pooled,
    ):
        for session in (single, pooled):
            assert {name: await session.fetchval(f"SHOW {name}") for name in wanted} == wanted


async def _record_parameters(call: Callable[[Connection], Awaitable[None]]) -> set[str]:
    """Return the startup parameters that the call sends."""
    received: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (length,) = struct.unpack("!i", await reader.readexactly(4))
        received.set_result(await reader.readexactly(length - 4))
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with suppress(ProviderBusy):
            await call(
                Connection(
                    host="127.0.0.1",
                    port=port,
                    database="shop",
                    user="user_shop",
                    password=Secret("-"),
                )
            )
    return set((await received)[4:].decode().split("\0")[:-2:2])
