"""What tenants can do about the temporary role of an export: nothing."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from adapters.driver.connector import Login
from adapters.postgres.login_check import PostgresLoginCheck
from domain.connection import Connection
from domain.errors import ProviderRejected
from tests.support.databases import provisioned_database
from tests.support.exported_database import FRUIT, ExportedDatabase, exported_database
from tests.support.obstacles import create_many_policies, run
from tests.support.postgres_under_test import PostgresUnderTest, session, tenant_session
from tests.support.provision_requests import new_provision_request

MEMBERSHIPS = "SELECT rolname FROM pg_roles WHERE pg_has_role(rolname, 'USAGE')"

SPECIAL_RIGHTS = """
SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls
FROM pg_roles WHERE rolname = session_user
"""

GRANTED = ("SELECT ON fruit", "TEMP ON DATABASE {database}")

IS_POWERLESS = """
SELECT NOT rolcanlogin AND NOT EXISTS (SELECT FROM pg_auth_members WHERE member = r.oid)
FROM pg_roles AS r WHERE rolname = $1
"""


@pytest.fixture
async def shop(postgres: PostgresUnderTest, tmp_path: Path) -> AsyncIterator[ExportedDatabase]:
    async with exported_database(postgres, tmp_path) as shop:
        yield shop


@pytest.fixture
async def neighbor(postgres: PostgresUnderTest) -> AsyncIterator[Connection]:
    async with provisioned_database(postgres.provider, new_provision_request()) as neighbor:
        yield neighbor


async def test_a_database_that_is_being_dumped_admits_nobody_else(
    shop: ExportedDatabase, neighbor: Connection
) -> None:
    """Its owner is locked, and a neighbor that the owner admitted finds no place."""
    await shop.suspend(f"GRANT CONNECT ON DATABASE {{database}} TO {neighbor.user}")

    async def try_to_enter(login: Login) -> None:
        async with session(login):
            with pytest.raises(asyncpg.TooManyConnectionsError):
                async with tenant_session(neighbor, database=shop.connection.database):
                    pass
            with pytest.raises(ProviderRejected):
                await PostgresLoginCheck().verify(shop.connection)

    await shop.while_exported(try_to_enter)
    await shop.assert_closed()
    await shop.provider.delete(shop.tenant)  # which names the neighbor


async def test_a_dump_has_the_rights_of_the_owner_and_no_others(shop: ExportedDatabase) -> None:
    await shop.suspend()

    async def check_rights(login: Login) -> None:
        async with session(login) as inside:
            roles = {role["rolname"] for role in await inside.fetch(MEMBERSHIPS)}
            assert roles == {shop.connection.user, login["user"], "pg_database_owner"}
            assert not await inside.fetchval(SPECIAL_RIGHTS)

    await shop.while_exported(check_rights)


async def test_privileges_of_the_temporary_role_neither_keep_it_nor_its_database(
    shop: ExportedDatabase, neighbor: Connection
) -> None:
    """Every tenant sees the role's name and can grant it something."""
    await shop.suspend()

    async def grant(login: Login) -> None:
        grants = (f"GRANT {what} TO {login['user']}" for what in GRANTED)
        await run(neighbor, FRUIT, *grants)

    await shop.while_exported(grant)
    await shop.assert_closed()


async def test_a_temporary_role_that_stays_is_locked_and_used_again(
    shop: ExportedDatabase, neighbor: Connection
) -> None:
    """More policies name it than are removed at once."""
    await shop.suspend()

    async def add_policies(login: Login) -> None:
        policies = create_many_policies("fruit").replace("{user}", login["user"])
        await run(neighbor, policies)

    await shop.while_exported(add_policies)
    assert await shop.postgres.sql(IS_POWERLESS, shop.role) == [True]
    await shop.export()
    await shop.assert_closed()


async def test_an_open_transaction_that_names_the_temporary_role_does_not_keep_it(
    shop: ExportedDatabase, neighbor: Connection
) -> None:
    await shop.suspend()
    async with tenant_session(neighbor) as transaction:

        async def grant(login: Login) -> None:
            await transaction.execute(f"{FRUIT}; BEGIN; GRANT SELECT ON fruit TO {login['user']}")

        await shop.while_exported(grant)
    await shop.assert_closed()
