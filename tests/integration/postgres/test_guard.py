"""Prepared and old transactions that the guard ends; tests/security has the attacks."""

import asyncio
from dataclasses import replace

import pytest

from domain.server_snapshot import Reason
from tests.support.databases import provisioned_database
from tests.support.guard_runs import QUICK_POLICY, GuardRun, run_provider_guard
from tests.support.obstacles import open_transaction
from tests.support.polling import wait_until
from tests.support.postgres_under_test import PostgresUnderTest, tenant_session
from tests.support.provision_requests import new_provision_request


async def has_ended(guard_run: GuardRun) -> bool:
    return bool(guard_run.ended)


@pytest.mark.parametrize("ending", ["SELECT 1", "PREPARE TRANSACTION 'kept'"])
async def test_a_transaction_that_blocks_a_deletion_is_ended(
    postgres_15: PostgresUnderTest, ending: str
) -> None:
    """It locks the object of a neighbour's database; a prepared transaction does so without a
    session."""
    attacker_request, neighbour_request = new_provision_request(), new_provision_request()
    async with (
        run_provider_guard(postgres_15.provider) as guard_run,
        provisioned_database(postgres_15.provider, attacker_request) as attacker,
    ):
        connection = await postgres_15.provider.provision(neighbour_request)
        statement = (
            f"ALTER ROLE CURRENT_USER IN DATABASE \"{connection.database}\" SET work_mem = '8MB'"
        )
        async with open_transaction(attacker, statement) as holder:
            await holder.execute(ending)
            async with asyncio.timeout(10):
                await postgres_15.sql(f'DROP DATABASE "{connection.database}"')
            await wait_until(lambda: has_ended(guard_run))
        assert guard_run.ended == [(attacker_request.tenant.id, Reason.HOLDS.value)]
        assert await postgres_15.sql("SELECT gid FROM pg_prepared_xacts") == []
        await postgres_15.provider.delete(neighbour_request.tenant)


async def test_old_transactions_and_prepared_transactions_are_ended(
    postgres_15: PostgresUnderTest,
) -> None:
    provision_request = new_provision_request()
    policy = replace(QUICK_POLICY, oldest_transaction=0.3)
    async with (
        provisioned_database(postgres_15.provider, provision_request) as owner,
        tenant_session(owner) as idle,
        run_provider_guard(postgres_15.provider, policy) as guard_run,
    ):
        await idle.execute("SELECT 42")
        async with open_transaction(owner, "CREATE TABLE kept ()") as holder:
            await holder.execute("PREPARE TRANSACTION 'kept'")
        async with open_transaction(owner, "SELECT 42"):
            await wait_until(lambda: has_ended(guard_run))
            await wait_until(lambda: both_are_ended(guard_run))
        assert set(guard_run.ended) == {(provision_request.tenant.id, Reason.OLD.value)}
        assert await idle.fetchval("SELECT 42") == 42
        assert await postgres_15.sql("SELECT gid FROM pg_prepared_xacts") == []


async def both_are_ended(guard_run: GuardRun) -> bool:
    return guard_run.server.status.ended_sessions == guard_run.server.status.rolled_back == 1
