"""Tenants cannot change a spare, and cannot hold up its claim."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from adapters.postgres.login_check import PostgresLoginCheck
from adapters.postgres.statements import build_lock_key
from domain.provisioning import ProvisionRequest
from tests.support.databases import provisioned_database
from tests.support.obstacles import fetch_memberships, fill_names
from tests.support.polling import wait_until
from tests.support.postgres_under_test import PostgresUnderTest, expect_refusal, tenant_session
from tests.support.provision_requests import new_provision_request
from tests.support.spare_requests import claim_of, filled_spare

CHECK = PostgresLoginCheck()


@pytest.fixture
async def spare(postgres: PostgresUnderTest) -> AsyncIterator[ProvisionRequest]:
    async with filled_spare(postgres.provider, CHECK) as spare:
        yield spare


LOCKING = 'ALTER ROLE {{user}} IN DATABASE "{spare}" SET work_mem = 64'
"""Needs no privilege on the database, and locks it until the transaction ends."""

TENANT_LOCKS = """
SELECT count(*) FROM pg_locks
WHERE locktype = 'advisory' AND (classid::bigint << 32) | objid::bigint = $1::bigint
"""


async def test_a_neighbours_open_transaction_does_not_block_a_claim(
    postgres: PostgresUnderTest, spare: ProvisionRequest
) -> None:
    async with (
        provisioned_database(postgres.provider, new_provision_request()) as neighbour,
        tenant_session(neighbour) as locker,
    ):
        await locker.execute("BEGIN")
        locking = LOCKING.format(spare=spare.tenant.names.database)
        await locker.execute(fill_names(locking, neighbour))
        connection = await postgres.provider.provision(claim_of(spare))
        await wait_until(locker.is_closed)
        await CHECK.verify(connection)
        assert await fetch_memberships(postgres, connection) == []
        assert await fetch_memberships(postgres, neighbour) == []
        assert await postgres.sql(TENANT_LOCKS, build_lock_key(spare.tenant.id)) == [0]


async def test_a_neighbours_prepared_transaction_does_not_block_a_claim(
    postgres_15: PostgresUnderTest,
) -> None:
    async with (
        provisioned_database(postgres_15.provider, new_provision_request()) as neighbour,
        filled_spare(postgres_15.provider, CHECK) as spare,
        tenant_session(neighbour) as locker,
    ):
        await locker.execute("BEGIN")
        locking = LOCKING.format(spare=spare.tenant.names.database)
        await locker.execute(fill_names(locking, neighbour))
        await locker.execute("PREPARE TRANSACTION 'held'")
        connection = await postgres_15.provider.provision(claim_of(spare))
        await CHECK.verify(connection)
        assert await fetch_memberships(postgres_15, connection) == []
        assert await postgres_15.sql("SELECT count(*) FROM pg_prepared_xacts") == [0]


REFUSED = [
    "ALTER DATABASE {database} ALLOW_CONNECTIONS true",
    "ALTER DATABASE {database} RENAME TO mine",
    "ALTER DATABASE {database} SET role = 'mine'",
    "DROP DATABASE {database}",
    "CREATE DATABASE copied TEMPLATE {database}",
    "GRANT CONNECT ON DATABASE {database} TO PUBLIC",
    "COMMENT ON DATABASE {database} IS 'mine'",
    "COMMENT ON ROLE {user} IS 'mine'",
    "ALTER ROLE {user} LOGIN PASSWORD 'mine'",
    "ALTER ROLE {user} SET search_path = 'mine'",
    "GRANT {user} TO CURRENT_USER",
    "SET ROLE {user}",
]


async def test_a_tenant_cannot_change_a_spare(
    postgres: PostgresUnderTest, spare: ProvisionRequest
) -> None:
    request = new_provision_request()
    async with provisioned_database(postgres.provider, request) as attacker:
        names = spare.tenant.names
        async with tenant_session(attacker) as inside:
            for statement in REFUSED:
                with expect_refusal():
                    await inside.execute(
                        statement.format(database=f'"{names.database}"', user=f'"{names.owner}"')
                    )
        with expect_refusal(asyncpg.ObjectNotInPrerequisiteStateError):
            async with tenant_session(attacker, database=names.database):
                pass
        await CHECK.verify(await postgres.provider.provision(claim_of(spare)))
