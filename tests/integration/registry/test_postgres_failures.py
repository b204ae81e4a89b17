"""A registry on a PostgreSQL server whose sessions end, or that crashes."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress

import asyncpg
import pytest

from adapters.registry.postgres_stores import open_postgres_stores
from adapters.registry.stores import Stores
from domain.errors import Unavailable
from domain.lifecycle import State
from ports.driven.registry import Query
from tests.support.polling import PATIENCE, wait_until
from tests.support.postgres_under_test import session
from tests.support.records import new_record
from tests.support.registries import run_sql, temporary_database
from tests.support.servers import OperatorsServer, operators_server

END_OTHER_SESSIONS = (
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
    async with temporary_database(fragile_server) as url:
        yield url


@pytest.fixture
async def stores(url: str) -> AsyncIterator[Stores]:
    async with open_postgres_stores(url) as stores:
        yield stores


async def test_sessions_that_were_ended_while_idle_fail_no_call(url: str, stores: Stores) -> None:
    kept = await stores.registry.add(new_record())
    await asyncio.gather(*(stores.registry.get(kept.id) for _ in range(20)))

    await run_sql(url, END_OTHER_SESSIONS)

    assert await stores.registry.get(kept.id) == kept
    updated = await stores.registry.update(kept.transition_to(State.READY))
    assert (
        await asyncio.gather(*(stores.registry.get(kept.id) for _ in range(20))) == [updated] * 20
    )


async def test_a_call_whose_session_is_ended_changes_nothing(url: str, stores: Stores) -> None:
    kept = await stores.registry.add(new_record())
    async with session({"dsn": url}) as other, other.transaction():
        await other.execute("LOCK TABLE databases")
        updating = asyncio.create_task(stores.registry.update(kept.transition_to(State.READY)))
        await wait_until(lambda: _is_waiting(url))
        await run_sql(url, END_OTHER_SESSIONS + " AND wait_event_type = 'Lock'")

        with pytest.raises(Unavailable):
            await updating

    assert await stores.registry.get(kept.id) == kept


async def test_a_cancelled_caller_waits_for_its_change_to_complete(
    url: str, stores: Stores
) -> None:
    kept = await stores.registry.add(new_record())
    async with session({"dsn": url}) as other:
        async with other.transaction():
            await other.execute("LOCK TABLE databases")
            updating = asyncio.create_task(stores.registry.update(kept.transition_to(State.READY)))
            await wait_until(lambda: _is_waiting(url))
            updating.cancel()
            await other.fetchval("SELECT 1")
            assert not updating.done()

        with pytest.raises(asyncio.CancelledError):
            await updating

    assert (await stores.registry.get(kept.id)).state is State.READY


async def test_a_crash_during_many_calls_leaves_complete_records(
    fragile_server: OperatorsServer, stores: Stores
) -> None:
    before = await stores.registry.add(new_record())
    new = [new_record() for _ in range(50)]
    adding = [asyncio.create_task(stores.registry.add(record)) for record in new]
    await asyncio.wait(adding, return_when=asyncio.FIRST_COMPLETED)

    await _crash(fragile_server)
    outcomes = await asyncio.gather(*adding, return_exceptions=True)

    await wait_until(lambda: _works(stores))
    assert await stores.registry.get(before.id) == before
    kept = {record.id for record in await stores.registry.search(Query(limit=100))}
    returned = {record.id for record in outcomes if not isinstance(record, BaseException)}
    assert returned <= kept <= {before.id, *(record.id for record in new)}
    assert all(isinstance(one, Unavailable) for one in outcomes if isinstance(one, BaseException))


async def test_a_lost_lease_can_be_taken_by_another_replica(url: str, stores: Stores) -> None:
    async with open_postgres_stores(url) as other:
        ours, theirs = stores.leases.acquire("work"), other.leases.acquire("work")
        assert await ours.__aenter__()
        await run_sql(url, END_OTHER_SESSIONS)
        async with stores.leases.acquire("else") as is_new:
            assert is_new
        assert await theirs.__aenter__()

        await ours.__aexit__(None, None, None)

        async with stores.leases.acquire("work") as is_acquired:
            assert not is_acquired
        await theirs.__aexit__(None, None, None)


async def _works(stores: Stores) -> bool:
    try:
        await stores.registry.ping()
        async with stores.leases.acquire("probe"):
            return True
    except Unavailable:
        return False


async def _is_waiting(url: str) -> bool:
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    (row,) = await run_sql(url, query)
    return bool(row[0])


async def _crash(server: OperatorsServer) -> None:
    """Kill the process of a session: the server then ends all others and restarts."""
    async with session({"dsn": server.superuser_dsn}) as victim:
        os.kill(victim.get_server_pid(), signal.SIGKILL)
        async with asyncio.timeout(PATIENCE):
            with suppress(asyncpg.PostgresError, OSError):
                await victim.execute("SELECT pg_sleep(60)")
