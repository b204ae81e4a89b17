"""A registry on a PostgreSQL server whose sessions end, or that crashes."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress

import asyncpg
import pytest

from adapters.registry.stores import Opened, opened_postgres
from domain.errors import Unavailable
from domain.states import State
from ports.driven.registry import Query
from tests.support.polling import PATIENCE, until
from tests.support.postgres_under_test import session
from tests.support.records import new_record
from tests.support.registries import own_database, sql
from tests.support.servers import OperatorsServer, operators_server

ENDED = (
    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.fixture(scope="module")
async def fragile_server() -> AsyncIterator[OperatorsServer]:
    """A server that only this module uses, and crashes."""
    async with operators_server(18) as server:
        yield server


@pytest.fixture
async def url(fragile_server: OperatorsServer) -> AsyncIterator[str]:
    async with own_database(fragile_server) as url:
        yield url


@pytest.fixture
async def opened(url: str) -> AsyncIterator[Opened]:
    async with opened_postgres(url) as opened:
        yield opened


async def test_sessions_that_were_ended_while_idle_fail_no_call(url: str, opened: Opened) -> None:
    kept = await opened.registry.add(new_record())
    await asyncio.gather(*(opened.registry.get(kept.id) for _ in range(20)))

    await sql(url, ENDED)

    assert await opened.registry.get(kept.id) == kept
    moved = await opened.registry.update(kept.moved(State.READY))
    assert await asyncio.gather(*(opened.registry.get(kept.id) for _ in range(20))) == [moved] * 20


async def test_a_call_whose_session_is_ended_changes_nothing(url: str, opened: Opened) -> None:
    kept = await opened.registry.add(new_record())
    async with session({"dsn": url}) as other, other.transaction():
        await other.execute("LOCK TABLE databases")
        updating = asyncio.create_task(opened.registry.update(kept.moved(State.READY)))
        await until(lambda: _is_waiting(url))
        await sql(url, ENDED + " AND wait_event_type = 'Lock'")

        with pytest.raises(Unavailable):
            await updating

    assert await opened.registry.get(kept.id) == kept


async def test_a_cancelled_caller_waits_for_its_change_to_complete(
    url: str, opened: Opened
) -> None:
    kept = await opened.registry.add(new_record())
    async with session({"dsn": url}) as other:
        async with other.transaction():
            await other.execute("LOCK TABLE databases")
            updating = asyncio.create_task(opened.registry.update(kept.moved(State.READY)))
            await until(lambda: _is_waiting(url))
            updating.cancel()
            await other.fetchval("SELECT 1")
            assert not updating.done()

        with pytest.raises(asyncio.CancelledError):
            await updating

    assert (await opened.registry.get(kept.id)).state is State.READY


async def test_a_crash_during_many_calls_leaves_complete_records(
    fragile_server: OperatorsServer, opened: Opened
) -> None:
    before = await opened.registry.add(new_record())
    new = [new_record() for _ in range(50)]
    adding = [asyncio.create_task(opened.registry.add(record)) for record in new]
    await asyncio.wait(adding, return_when=asyncio.FIRST_COMPLETED)

    await _crash(fragile_server)
    outcomes = await asyncio.gather(*adding, return_exceptions=True)

    await until(lambda: _works(opened))
    assert await opened.registry.get(before.id) == before
    kept = {record.id for record in await opened.registry.search(Query(limit=100))}
    returned = {record.id for record in outcomes if not isinstance(record, BaseException)}
    assert returned <= kept <= {before.id, *(record.id for record in new)}
    assert all(isinstance(one, Unavailable) for one in outcomes if isinstance(one, BaseException))


async def test_a_lost_lease_can_be_taken_by_another_replica(url: str, opened: Opened) -> None:
    async with opened_postgres(url) as other:
        ours, theirs = opened.leases.held("work"), other.leases.held("work")
        assert await ours.__aenter__()
        await sql(url, ENDED)
        async with opened.leases.held("else") as is_new:
            assert is_new
        assert await theirs.__aenter__()

        await ours.__aexit__(None, None, None)

        async with opened.leases.held("work") as is_mine:
            assert not is_mine
        await theirs.__aexit__(None, None, None)


async def _works(opened: Opened) -> bool:
    try:
        await opened.registry.ping()
        async with opened.leases.held("probe"):
            return True
    except Unavailable:
        return False


async def _is_waiting(url: str) -> bool:
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    (row,) = await sql(url, query)
    return bool(row[0])


async def _crash(server: OperatorsServer) -> None:
    """Kill the process of a session: the server then ends all others and restarts."""
    async with session({"dsn": server.superuser_dsn}) as victim:
        os.kill(victim.get_server_pid(), signal.SIGKILL)
        async with asyncio.timeout(PATIENCE):
            with suppress(asyncpg.PostgresError, OSError):
                await victim.execute("SELECT pg_sleep(60)")
