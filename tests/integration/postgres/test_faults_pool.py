"""The provider has few sessions, and a lost one may still be running a statement on the server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg
import pytest

from adapters.postgres.provider import PostgresProvider
from adapters.postgres.quoting import identifier
from adapters.postgres.sessions import POOL_SIZE, session_of, single_session
from adapters.postgres.statements import lock, lock_key
from domain.errors import OutcomeUnknown, PgvendError
from domain.provisioning import Order, Tenant, Tombstone
from tests.support.fault_injection import NOTHING, WHOLE, Blow, site, struck
from tests.support.pgproxy import Fault, How
from tests.support.polling import until
from tests.support.provision_requests import new_order

_NUMBER_WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


async def test_cancelled_creations_release_their_sessions(bundled_18: PostgresProvider) -> None:
    orders = [new_order() for _ in range(2 * POOL_SIZE)]
    fault = Fault(How.WATCHED, "CREATE DATABASE")
    async with site(bundled_18, fault) as broken, asyncio.timeout(30):
        calls = [asyncio.ensure_future(broken.provider.provision(order)) for order in orders]
        await fault.reached.wait()
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)

        async with AsyncExitStack() as places:
            for _ in range(POOL_SIZE):
                await places.enter_async_context(session_of(broken.provider.pool))

        for order in orders:
            await broken.provider.delete(order.tenant)
            assert await broken.traces(order.tenant) == NOTHING


async def test_a_provider_closes_while_a_statement_hangs(bundled_18: PostgresProvider) -> None:
    order, fault = new_order(), Fault(How.HELD, "CREATE DATABASE")
    async with asyncio.timeout(30):
        async with site(bundled_18, fault) as broken:
            call = asyncio.ensure_future(broken.provider.provision(order))
            await fault.reached.wait()

        with pytest.raises(PgvendError):
            await call
    await bundled_18.delete(order.tenant)


async def test_a_lost_pool_session_fails_one_call_at_most(
    bundled_18: PostgresProvider,
) -> None:
    order = new_order()
    async with site(bundled_18) as broken:
        await broken.provider.provision(order)
        async with session_of(bundled_18.pool) as other:
            await other.execute(
                "SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid",
                broken.proxy.pids,
            )
        await broken.vend_again(order)
        await broken.provider.delete(order.tenant)


async def test_resisting_tenants_leave_sessions_for_creations(
    bundled_18: PostgresProvider,
) -> None:
    """One session holds a lock that many deletions wait for."""
    before = await bundled_18.inventory()
    resisting = [new_order() for _ in range(2 * POOL_SIZE)]
    for order in resisting:
        await bundled_18.provision(order)
    async with _held_up(bundled_18, resisting) as deletions, asyncio.timeout(10):
        order = new_order()
        await bundled_18.provision(order)
        await bundled_18.ping()
        assert not any(deletion.done() for deletion in deletions)

    await bundled_18.delete(order.tenant)
    assert await bundled_18.inventory() == before


async def test_the_health_check_works_while_the_pool_is_exhausted(
    bundled_18: PostgresProvider,
) -> None:
    async with AsyncExitStack() as places, asyncio.timeout(10):
        for _ in range(POOL_SIZE):
            await places.enter_async_context(session_of(bundled_18.pool))

        await bundled_18.ping()


@asynccontextmanager
async def _held_up(
    provider: PostgresProvider, orders: Sequence[Order]
) -> AsyncIterator[list[asyncio.Task[Tombstone | None]]]:
    """Deletions of the orders that all wait for a lock until the context exits."""
    assert provider.server.superuser
    async with single_session(provider.server.superuser) as holder:
        for order in orders:
            await holder.execute(lock(order.tenant.id))
        tasks = [asyncio.create_task(provider.delete(order.tenant)) for order in orders]
        await until(lambda: _are_waiting(holder, POOL_SIZE // 2))
        yield tasks
    await asyncio.gather(*tasks)


async def _are_waiting(holder: asyncpg.Connection, number: int) -> bool:
    return bool(await holder.fetchval(_NUMBER_WAITING) == number)


CUT = Blow(How.CUT_AFTER)

_WAITING = """
SELECT FROM pg_locks
WHERE locktype = 'advisory' AND NOT granted AND (classid::bigint << 32) | objid::bigint = $1
"""


CUT_OFF_AT = {
    "made": ("provision", "CREATE DATABASE", "LOCK TABLE pg_database IN SHARE MODE"),
    "opened": ("provision", "REVOKE ALL", "LOCK TABLE pg_database IN SHARE MODE"),
    "dropped": ("delete", "DROP DATABASE", "COMMENT ON DATABASE {database} IS 'kept'"),
}
"""A call, the statement at which its session is lost, and the lock that this statement waits
for."""


@pytest.mark.parametrize("next_one", ["provision", "delete"])
@pytest.mark.parametrize("being", CUT_OFF_AT)
async def test_the_next_call_waits_for_a_running_change(
    bundled_18: PostgresProvider, being: str, next_one: str
) -> None:
    order, (call, beginning, blocking) = new_order(), CUT_OFF_AT[being]
    if being != "made":
        await bundled_18.provision(order)
    fault = Fault(How.CUT_AFTER, beginning)
    statement = blocking.format(database=identifier(order.tenant.names.database))
    async with _blocked(bundled_18, statement) as blocker, site(bundled_18, fault) as broken:
        calls: dict[str, Callable[[], Coroutine[Any, Any, object]]] = {
            "provision": lambda: broken.vend(order),
            "delete": lambda: broken.provider.delete(order.tenant),
        }
        assert isinstance(await struck(calls[call](), fault, CUT), OutcomeUnknown)
        await _waited(calls[next_one](), order.tenant, blocker)
    assert await broken.traces(order.tenant) == (NOTHING if next_one == "delete" else WHOLE)
    await bundled_18.delete(order.tenant)


async def test_a_session_lost_while_waiting_keeps_no_lock(
    bundled_18: PostgresProvider,
) -> None:
    order, fault = new_order(), Fault(How.CUT_AFTER, "SELECT pg_advisory_lock")
    async with site(bundled_18, fault) as broken:
        async with single_session(bundled_18.server.admin) as holder:
            await holder.execute(lock(order.tenant.id))
            outcome = await struck(broken.provider.provision(order), fault, CUT)
            assert isinstance(outcome, OutcomeUnknown)
        await broken.vend(order)
        await broken.provider.delete(order.tenant)
    assert await broken.traces(order.tenant) == NOTHING


@asynccontextmanager
async def _blocked(bundled: PostgresProvider, statement: str) -> AsyncIterator[asyncpg.Connection]:
    """A superuser's open transaction, whose lock others wait for."""
    assert bundled.server.superuser
    async with single_session(bundled.server.superuser) as blocker:
        await blocker.execute(f"BEGIN; {statement}")
        yield blocker


async def _waited(call: Awaitable[object], tenant: Tenant, blocker: asyncpg.Connection) -> None:
    """Check that the call waits for the tenant's lock, then let both calls continue."""

    async def is_waiting() -> bool:
        return bool(await blocker.fetch(_WAITING, lock_key(tenant.id)))

    task = asyncio.ensure_future(call)
    await until(is_waiting)
    await blocker.execute("ROLLBACK")
    await task
