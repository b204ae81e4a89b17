"""Objects of others on the server are never imported, changed or dropped."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from adapters.postgres.factory import open_provider
from adapters.postgres.login_check import PostgresLoginCheck
from adapters.postgres.quoting import quote_literal
from domain.errors import DatabaseNotFound, NameTaken
from domain.provisioning import ProvisionRequest
from tests.support.databases import find_in_inventory, provisioned_database
from tests.support.postgres_under_test import PostgresUnderTest
from tests.support.provision_requests import new_provision_request, with_next_password

FOREIGN_MARKS = [
    None,
    "the operator's own",
    "pgvend:another-installation:{id}",
    "pgvend:testing2:{id}",
    "pgvend:testing:",
    "pgvend:testing:{id}0",
    "pgvend:testing:db_of_another",
    "PGVEND:TESTING:{id}",
]


@pytest.mark.parametrize("mark", FOREIGN_MARKS, ids=str)
async def test_a_role_without_our_mark_stays_unchanged(
    postgres: PostgresUnderTest, mark: str | None
) -> None:
    provision_request = new_provision_request()
    async with _operators_role(postgres, provision_request, mark):
        before = await _state(postgres, provision_request)
        with pytest.raises(NameTaken):
            await postgres.provider.provision(provision_request)
        with pytest.raises(DatabaseNotFound):
            await postgres.provider.rotate(provision_request)
        await postgres.provider.delete(provision_request.tenant)
        assert await find_in_inventory(postgres.provider, provision_request) == []
        assert await _state(postgres, provision_request) == before


@pytest.mark.parametrize("bears_our_mark", [False, True])
async def test_a_database_of_another_owner_stays_unchanged(
    postgres: PostgresUnderTest, bears_our_mark: bool
) -> None:
    """Its owner may write any comment on it: only the role's mark counts."""
    provision_request = new_provision_request()
    async with _operators_database(postgres, provision_request):
        if bears_our_mark:
            mark, name = (
                postgres.provider.marks.of(provision_request.tenant),
                provision_request.tenant.names.database,
            )
            await postgres.sql(f"COMMENT ON DATABASE \"{name}\" IS '{mark}'")
        before = await _state(postgres, provision_request)
        with pytest.raises(NameTaken):
            await postgres.provider.provision(provision_request)
        await postgres.provider.delete(provision_request.tenant)
        assert await find_in_inventory(postgres.provider, provision_request) == []
        assert await _state(postgres, provision_request) == before


async def test_a_foreign_database_stays_foreign_if_the_role_is_a_tenants(
    postgres: PostgresUnderTest,
) -> None:
    provision_request = new_provision_request()
    async with provisioned_database(postgres.provider, provision_request) as connection:
        await postgres.sql(f'DROP DATABASE "{connection.database}"')
        async with _operators_database(postgres, provision_request):
            with pytest.raises(NameTaken):
                await postgres.provider.provision(provision_request)
            await postgres.provider.delete(provision_request.tenant)
            assert await postgres.has(provision_request) == (False, True)


@pytest.mark.parametrize("installation", ["another", "test%"])
async def test_another_installation_neither_lists_nor_changes_our_databases(
    postgres: PostgresUnderTest, installation: str
) -> None:
    provision_request = new_provision_request()
    async with (
        provisioned_database(postgres.provider, provision_request) as connection,
        open_provider(postgres.provider.server, installation) as other,
    ):
        assert await other.inventory() == []
        with pytest.raises(NameTaken):
            await other.provision(with_next_password(provision_request))
        await other.delete(provision_request.tenant)
        assert await postgres.has(provision_request) == (True, True)
        await PostgresLoginCheck().verify(connection)


@asynccontextmanager
async def _operators_role(
    postgres: PostgresUnderTest, provision_request: ProvisionRequest, mark: str | None
) -> AsyncIterator[None]:
    owner = provision_request.tenant.names.owner
    await postgres.sql(f"CREATE ROLE \"{owner}\" NOLOGIN CONNECTION LIMIT 7 PASSWORD 'operators'")
    if mark is not None:
        text = quote_literal(mark.replace("{id}", provision_request.tenant.id))
        await postgres.sql(f'COMMENT ON ROLE "{owner}" IS {text}')
    try:
        yield
    finally:
        await postgres.sql(f'DROP ROLE "{owner}"')


@asynccontextmanager
async def _operators_database(
    postgres: PostgresUnderTest, provision_request: ProvisionRequest
) -> AsyncIterator[None]:
    await postgres.sql(f'CREATE DATABASE "{provision_request.tenant.names.database}"')
    try:
        yield
    finally:
        await postgres.sql(f'DROP DATABASE "{provision_request.tenant.names.database}"')


async def _state(postgres: PostgresUnderTest, provision_request: ProvisionRequest) -> list[object]:
    """Return the server's description of the role and the database with these names."""
    names = provision_request.tenant.names
    return [
        *await postgres.sql(
            "SELECT oid, a::text, shobj_description(oid, 'pg_authid') FROM pg_authid AS a "
            "WHERE rolname = $1",
            names.owner,
        ),
        *await postgres.sql(
            "SELECT oid, datdba, datacl::text, datallowconn, datconnlimit, "
            "shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1",
            names.database,
        ),
        *await postgres.sql(
            "SELECT member, admin_option FROM pg_auth_members m JOIN pg_roles r ON r.oid = roleid "
            "WHERE rolname = $1",
            names.owner,
        ),
    ]
