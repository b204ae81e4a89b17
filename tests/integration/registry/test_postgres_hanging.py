"""Requests to a registry on a PostgreSQL server that hang or stay open too long."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from adapters.registry import postgres
from domain.errors import DatabaseNotFound, QuotaReached, Unavailable
from domain.lifecycle import State
from tests.integration.registry.proxied_registry import (
    RegistryDatabase,
    acquire_lease,
    add_or_confirm,
    is_clean,
    new_record_of,
    open_proxied,
    retry_until_success,
)
from tests.support.fault_injection import Injection, run_with_fault
from tests.support.pgproxy import Fault, FaultKind
from tests.support.records import new_record


async def test_a_statement_that_hangs_fails_one_call(registry_db: RegistryDatabase) -> None:
    async with open_proxied(registry_db, Fault(FaultKind.HELD, "prepare INSERT")) as proxied:
        refused = new_record()
        with pytest.raises(Unavailable):
            await proxied.stores.registry.add(refused)

        with pytest.raises(DatabaseNotFound):
            await proxied.stores.registry.get(refused.id)
        assert (await proxied.stores.registry.add(refused)).version == 1


async def test_an_add_that_hangs_while_it_holds_the_lock_fails_one_call(
    registry_db: RegistryDatabase,
) -> None:
    fault, new = Fault(FaultKind.HELD, "prepare INSERT"), new_record_of()
    async with open_proxied(registry_db, fault) as proxied:
        await run_with_fault(proxied.stores.registry.add(new, 1), fault, Injection(FaultKind.HELD))

        await retry_until_success(lambda: add_or_confirm(proxied.stores, new, 1))


async def test_a_lease_that_hangs_is_refused_and_is_released(registry_db: RegistryDatabase) -> None:
    async with open_proxied(
        registry_db, Fault(FaultKind.HELD, "prepare SELECT pg_try_advisory_lock")
    ) as proxied:
        with pytest.raises(Unavailable):
            await acquire_lease(proxied.stores)

        await acquire_lease(proxied.stores)


async def test_leaving_a_lease_that_hangs_is_not_an_error(registry_db: RegistryDatabase) -> None:
    fault = Fault(FaultKind.HELD, "prepare SELECT pg_advisory_unlock")
    async with open_proxied(registry_db, fault) as proxied:
        await acquire_lease(proxied.stores)
        assert fault.reached.is_set()

        await acquire_lease(proxied.stores)


async def test_a_lost_server_is_reported_and_leaving_a_lease_is_not_an_error(
    registry_db: RegistryDatabase,
) -> None:
    async with AsyncExitStack() as network, open_proxied(registry_db, network=network) as proxied:
        kept = await proxied.stores.registry.add(new_record())
        async with proxied.stores.leases.acquire("before"):
            await network.aclose()

            for call in (
                acquire_lease(proxied.stores),
                proxied.stores.registry.ping(),
                proxied.stores.registry.update(kept.transition_to(State.READY)),
            ):
                with pytest.raises(Unavailable):
                    await call


async def test_closing_does_not_wait_for_a_server_that_hangs(registry_db: RegistryDatabase) -> None:
    fault = Fault(FaultKind.HELD, "terminate")
    async with AsyncExitStack() as network, asyncio.timeout(postgres.STATEMENT_TIMEOUT):
        async with open_proxied(
            registry_db, fault, network, call_timeout=postgres.STATEMENT_TIMEOUT
        ) as proxied:
            await proxied.stores.registry.ping()
        await fault.reached.wait()


async def test_an_add_within_a_quota_leaves_its_session_as_it_was(
    registry_db: RegistryDatabase,
) -> None:
    async with open_proxied(registry_db) as proxied:
        await proxied.stores.registry.add(new_record_of(), 1)
        with pytest.raises(QuotaReached):
            await proxied.stores.registry.add(new_record_of(), quota=0)
        assert await is_clean(registry_db)

        kept = await proxied.stores.registry.add(new_record())

        assert len(proxied.proxy.pids) == 1, "another session was used"
        assert await registry_db.direct.registry.get(kept.id) == kept
        assert await is_clean(registry_db)


async def test_a_replica_that_stalls_while_it_holds_the_lock_does_not_block_others(
    registry_db: RegistryDatabase,
) -> None:
    """For example, a replica on a suspended machine that holds the caller's lock."""
    session = await postgres.open_session(registry_db.url)
    try:
        assert await session.fetchval("SHOW idle_in_transaction_session_timeout") == "10s"
    finally:
        await session.close()
