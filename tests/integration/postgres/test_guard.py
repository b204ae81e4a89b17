"""Transactions that the guard ends, besides the attacks in tests/security: prepared and old
ones."""

import asyncio
from dataclasses import replace

import pytest

from domain.server_snapshot import Reason
from tests.support.databases import vended
from tests.support.guard_runs import QUICK, Watch, guarded
from tests.support.obstacles import left_open
from tests.support.polling import until
from tests.support.postgres_under_test import Place, tenant
from tests.support.provision_requests import new_order


async def has_ended(watch: Watch) -> bool:
    return bool(watch.endings)


@pytest.mark.parametrize("ending", ["SELECT 1", "PREPARE TRANSACTION 'kept'"])
async def test_a_transaction_that_blocks_a_deletion_is_ended(place_15: Place, ending: str) -> None:
    """It locks the object of a neighbour's database; a prepared transaction does so without a
    session."""
    attacks, neighbour = new_order(), new_order()
    async with guarded(place_15.provider) as watch, vended(place_15.provider, attacks) as attacker:
        connection = await place_15.provider.provision(neighbour)
        weak = f"ALTER ROLE CURRENT_USER IN DATABASE \"{connection.database}\" SET work_mem = '8MB'"
        async with left_open(attacker, weak) as holding:
            await holding.execute(ending)
            async with asyncio.timeout(10):
                await place_15.sql(f'DROP DATABASE "{connection.database}"')
            await until(lambda: has_ended(watch))
        assert watch.endings == [(attacks.tenant.id, Reason.HOLDS.value)]
        assert await place_15.sql("SELECT gid FROM pg_prepared_xacts") == []
        await place_15.provider.delete(neighbour.tenant)


async def test_old_transactions_and_prepared_transactions_are_ended(
    place_15: Place,
) -> None:
    order = new_order()
    policy = replace(QUICK, oldest_transaction=0.3)
    async with (
        vended(place_15.provider, order) as owner,
        tenant(owner) as idle,
        guarded(place_15.provider, policy) as watch,
    ):
        await idle.execute("SELECT 42")
        async with left_open(owner, "CREATE TABLE kept ()") as holding:
            await holding.execute("PREPARE TRANSACTION 'kept'")
        async with left_open(owner, "SELECT 42"):
            await until(lambda: has_ended(watch))
            await until(lambda: both_are_ended(watch))
        assert set(watch.endings) == {(order.tenant.id, Reason.OLD.value)}
        assert await idle.fetchval("SELECT 42") == 42
        assert await place_15.sql("SELECT gid FROM pg_prepared_xacts") == []


async def both_are_ended(watch: Watch) -> bool:
    return watch.server.status.ended_sessions == watch.server.status.rolled_back == 1
