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
from domain.order import Tenant
from tests.support.faults import NOTHING, WHOLE, Blow, site, struck
from tests.support.orders import new_order
from tests.support.pgproxy import Fault, How

CUT = Blow(How.CUT_AFTER)

_WAITING = """
SELECT FROM pg_locks
WHERE locktype = 'advisory' AND NOT granted AND (classid::bigint << 32) | objid::bigint = $1
"""


CUT_OFF_AT = {
    "made": ("provision", "CREATE DATABASE", "LOCK TABLE pg_database IN SHARE MODE"),
    "opened": ("provision", "REVOKE ALL", "LOCK TABLE pg_database IN SHARE MODE"),
    "dropped": ("retire", "DROP DATABASE", "COMMENT ON DATABASE {database} IS 'kept'"),
}
"""A call, its statement in which its session is cut off, and what kept that one at work."""


@pytest.mark.parametrize("next_one", ["provision", "retire"])
@pytest.mark.parametrize("being", CUT_OFF_AT)
async def test_the_next_call_waits_for_a_database_that_is_still_being_changed(
    bundled_18: PostgresProvider, being: str, next_one: str
) -> None:
    order, (call, beginning, blocking) = new_order(), CUT_OFF_AT[being]
    if being != "made":
        await bundled_18.provision(order)
    fault = Fault(How.CUT_AFTER, beginning)
    statement = blocking.format(database=identifier(order.tenant.names.database))
    async with _blocked(bundled_18, statement) as blocker, site(bundled_18, fault) as broken:
        calls = {
            "provision": lambda: broken.vend(order),
            "retire": lambda: broken.provider.retire(order.tenant),
        }
        assert isinstance(await struck(calls[call](), fault, CUT), OutcomeUnknown)
        await _waited(calls[next_one](), order.tenant, blocker)
    assert await broken.traces(order.tenant) == (NOTHING if next_one == "retire" else WHOLE)
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
