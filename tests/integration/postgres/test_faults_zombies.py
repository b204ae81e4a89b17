"""A session that was cut off and is still at work on the server: who comes next waits for it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

import asyncpg
import pytest

from adapters.postgres.provider import PostgresProvider
from adapters.postgres.quoting import identifier
from adapters.postgres.sessions import single_session
from adapters.postgres.statements import lock, lock_key
from domain.errors import OutcomeUnknown, ProviderBusy
from domain.order import Order, Tenant
from tests.support.faults import Blow, Site, site, struck
from tests.support.orders import new_order
from tests.support.pgproxy import Fault, How
from tests.support.traces import NOTHING, WHOLE

CUT = Blow(How.CUT_AFTER)

_WAITING = """
SELECT FROM pg_locks
WHERE locktype = 'advisory' AND NOT granted AND (classid::bigint << 32) | objid::bigint = $1
"""


async def test_a_retirement_waits_for_a_database_that_is_still_being_made(
    bundled_18: PostgresProvider,
) -> None:
    order = new_order()
    async with _cut_off_at(bundled_18, "CREATE DATABASE", order) as (broken, blocker):
        await _waited(broken.provider.retire(order.tenant), order.tenant, blocker)
    assert await broken.traces(order.tenant) == NOTHING


async def test_a_provision_waits_for_a_database_that_is_still_being_made(
    bundled_18: PostgresProvider,
) -> None:
    order = new_order()
    async with _cut_off_at(bundled_18, "CREATE DATABASE", order) as (broken, blocker):
        await _waited(broken.vend(order), order.tenant, blocker)
    assert await broken.traces(order.tenant) == WHOLE
    await bundled_18.retire(order.tenant)


async def test_a_retirement_waits_for_a_database_that_is_still_being_opened(
    bundled_18: PostgresProvider,
) -> None:
    order = new_order()
    await bundled_18.provision(order)
    async with _cut_off_at(bundled_18, "REVOKE ALL", order) as (broken, blocker):
        await _waited(broken.provider.retire(order.tenant), order.tenant, blocker)
    assert await broken.traces(order.tenant) == NOTHING


async def test_a_retirement_waits_for_a_database_that_is_still_being_dropped(
    bundled_18: PostgresProvider,
) -> None:
    order = new_order()
    async with _cut_off_at_its_drop(bundled_18, order) as (broken, blocker):
        await _waited(broken.provider.retire(order.tenant), order.tenant, blocker)
    assert await broken.traces(order.tenant) == NOTHING


async def test_a_provision_waits_for_a_database_that_is_still_being_dropped(
    bundled_18: PostgresProvider,
) -> None:
    order = new_order()
    async with _cut_off_at_its_drop(bundled_18, order) as (broken, blocker):
        await _waited(broken.vend(order), order.tenant, blocker)
    assert await broken.traces(order.tenant) == WHOLE
    await bundled_18.retire(order.tenant)


async def test_one_that_was_cut_off_while_it_waited_keeps_no_lock(
    bundled_18: PostgresProvider,
) -> None:
    order, fault = new_order(), Fault(How.CUT_AFTER, "SELECT pg_advisory_lock")
    async with site(bundled_18, fault) as broken:
        async with single_session(bundled_18.server.admin) as holder:
            await holder.execute(lock(order.tenant.id))
            outcome = await struck(broken.provider.provision(order), fault, CUT)
            assert isinstance(outcome, OutcomeUnknown)
        await broken.vend(order)
        await broken.provider.retire(order.tenant)
    assert await broken.traces(order.tenant) == NOTHING


async def test_a_retirement_can_be_repeated_while_a_superuser_is_in_the_database(
    bundled_18: PostgresProvider,
) -> None:
    """FORCE does not end such a session: the installer's, or the operator's."""
    order = new_order()
    await bundled_18.provision(order)
    installer = bundled_18.server.superuser
    assert installer
    async with single_session({**installer, "database": order.tenant.names.database}):
        with pytest.raises(ProviderBusy):
            await bundled_18.retire(order.tenant)
    async with site(bundled_18) as whole:
        await whole.retrying.retire(order.tenant)
        assert await whole.traces(order.tenant) == NOTHING


Cut = AsyncIterator[tuple[Site, asyncpg.Connection]]
"""A provider one of whose sessions was cut off, and the session that keeps it at work."""


@asynccontextmanager
async def _cut_off_at(bundled: PostgresProvider, beginning: str, order: Order) -> Cut:
    """Cut off in a provision, in the statement that begins so."""
    fault = Fault(How.CUT_AFTER, beginning)
    async with (
        _blocked(bundled, "LOCK TABLE pg_database IN SHARE MODE") as blocker,
        site(bundled, fault) as broken,
    ):
        outcome = await struck(broken.provider.provision(order), fault, CUT)
        assert isinstance(outcome, OutcomeUnknown)
        yield broken, blocker


@asynccontextmanager
async def _cut_off_at_its_drop(bundled: PostgresProvider, order: Order) -> Cut:
    await bundled.provision(order)
    comment = f"COMMENT ON DATABASE {identifier(order.tenant.names.database)} IS 'kept'"
    fault = Fault(How.CUT_AFTER, "DROP DATABASE")
    async with _blocked(bundled, comment) as blocker, site(bundled, fault) as broken:
        outcome = await struck(broken.provider.retire(order.tenant), fault, CUT)
        assert isinstance(outcome, OutcomeUnknown)
        yield broken, blocker


@asynccontextmanager
async def _blocked(bundled: PostgresProvider, statement: str) -> AsyncIterator[asyncpg.Connection]:
    """A superuser's open transaction, whose lock others wait for."""
    assert bundled.server.superuser
    async with single_session(bundled.server.superuser) as blocker:
        await blocker.execute(f"BEGIN; {statement}")
        yield blocker


async def _waited(call: Awaitable[object], tenant: Tenant, blocker: asyncpg.Connection) -> None:
    """See the call wait for the tenant's lock, let the one before it go on, and it too."""
    task = asyncio.ensure_future(call)
    for _ in range(500):
        if await blocker.fetch(_WAITING, lock_key(tenant.id)):
            break
        await asyncio.sleep(0.01)
    else:
        raise AssertionError(f"it does not wait: {task}")
    await blocker.execute("ROLLBACK")
    await task
