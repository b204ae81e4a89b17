"""The bundled server is killed while the service runs, or its start is cancelled."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import asyncpg
import psutil
import pytest

from adapters.postgres.provider import PostgresProvider
from adapters.postgres.sessions import open_session
from domain.connection import Connection
from domain.errors import StartupError
from tests.support.embedded_servers import (
    Events,
    login_session,
    open_server,
    read_notes,
    write_note,
)
from tests.support.polling import PATIENCE, wait_until
from tests.support.provision_requests import new_provision_request
from tests.support.service import list_servers_in

ENDLESS = "DO $$ BEGIN LOOP PERFORM 1; END LOOP; END $$"


@pytest.mark.parametrize("major", [16, 18])
async def test_a_killed_server_restarts_with_its_data(new_folder: Path, major: int) -> None:
    events = Events()
    async with open_server(new_folder, major=major, events=events) as provider:
        before = await provider.provision(new_provision_request())
        await write_note(before, "written before")
        _kill_server(new_folder)
        await wait_until(lambda: "postgres.restarted" in events.names)

        after = await provider.provision(new_provision_request())
        await write_note(after, "written after")
        assert await read_notes(before) == ["written before"]
        assert await read_notes(after) == ["written after"]
        assert len(list_servers_in(new_folder)) == 1
    assert list_servers_in(new_folder) == []
    (stopped,) = events.fields("postgres.stopped")
    assert stopped["log_level"] == "error"
    assert stopped["log"] == str(new_folder / "embedded" / "postgres.log")


async def test_a_server_killed_while_it_starts_restarts(folder: Path) -> None:
    events = Events()
    async with open_server(folder, events=events) as provider:
        connection = await provider.provision(new_provision_request())
        for deaths in range(1, 4):
            await wait_until(partial(_kill_server, folder))
            await wait_until(partial(_has_died, events, deaths))
        await wait_until(lambda: "postgres.restarted" in events.names)
        await write_note(connection, "works")
        assert len(list_servers_in(folder)) == 1


async def test_a_tenants_endless_query_does_not_prevent_a_restart(
    folder: Path,
) -> None:
    """A busy session does not notice that its server is gone, and PostgreSQL does not start while
    it runs."""
    events = Events()
    async with open_server(folder, events=events) as provider:
        connection = await provider.provision(new_provision_request())
        async with _run_endless_query(provider, connection) as query:
            _kill_server(folder)
            await wait_until(lambda: "postgres.restarted" in events.names)
            with pytest.raises((OSError, asyncpg.ConnectionDoesNotExistError)):
                await query
        await write_note(connection, "works")
        assert len(list_servers_in(folder)) == 1


async def test_a_failed_start_reports_the_end_of_the_log(folder: Path) -> None:
    with pytest.raises(StartupError, match="shared_buffers"):
        async with open_server(folder, shared_buffers="plenty"):
            pass
    assert list_servers_in(folder) == []
    async with open_server(folder) as provider:
        await provider.ping()


def _has_died(events: Events, times: int) -> bool:
    stops = ("postgres.stopped", "postgres.not_restarted")  # while it ran, while it started
    return sum(events.names.count(name) for name in stops) == times


def _kill_server(folder: Path) -> int:
    """Kill the server but not its sessions. Return the number of killed servers."""
    own_servers = [server for server in list_servers_in(folder) if server.ppid() == os.getpid()]
    for server in own_servers:
        server.kill()
    return len(own_servers)


@asynccontextmanager
async def _run_endless_query(
    provider: PostgresProvider, connection: Connection
) -> AsyncIterator[asyncio.Task[str]]:
    """Run an endless query in a tenant's session until the context exits."""
    async with login_session(connection) as session:
        process = psutil.Process(await session.fetchval("SELECT pg_backend_pid()"))
        query = asyncio.create_task(session.execute(ENDLESS))
        async with asyncio.timeout(PATIENCE):
            while not await _is_active(provider, connection):  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0.02)
        try:
            yield query
        finally:
            with suppress(psutil.NoSuchProcess):
                process.kill()


async def _is_active(provider: PostgresProvider, connection: Connection) -> bool:
    async with open_session(provider.server.superuser or {}) as superuser:
        query = "SELECT query FROM pg_stat_activity WHERE usename = $1 AND state = 'active'"
        return ENDLESS in [row["query"] for row in await superuser.fetch(query, connection.user)]


MOMENTS = [0.0, 0.01, 0.05, 0.2, 0.4, 0.8]
"""Seconds. Which step of a start they hit depends on the machine, and no test relies on it."""


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_first_start_that_is_cancelled_leaves_no_obstacle(
    new_folder: Path, moment: float
) -> None:
    await _cancel_start(new_folder, moment)
    async with open_server(new_folder) as provider:
        await provider.ping()


async def test_a_later_start_that_is_cancelled_leaves_no_obstacle(folder: Path) -> None:
    async with open_server(folder) as provider:
        port = provider.server.public_port
    for moment in MOMENTS:
        await _cancel_start(folder, moment)
    async with open_server(folder) as provider:
        assert provider.server.public_port == port
        await provider.ping()


async def test_a_cancelled_initdb_ends_with_its_children(new_folder: Path) -> None:
    starting = asyncio.create_task(_open(new_folder))
    await wait_until(lambda: list_servers_in(new_folder))
    starting.cancel()
    await asyncio.wait([starting])
    await wait_until(lambda: not list_servers_in(new_folder))


async def _cancel_start(folder: Path, moment: float) -> None:
    starting = asyncio.create_task(_open(folder))
    await asyncio.wait([starting], timeout=moment)
    starting.cancel()
    await asyncio.wait([starting])
    if not starting.cancelled():
        starting.result()  # the start completed first
    await wait_until(lambda: not list_servers_in(folder))


async def _open(folder: Path) -> None:
    async with open_server(folder):
        pass
