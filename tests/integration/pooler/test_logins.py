"""The function of `deploy/pgbouncer/pooler.sql` returns the logins of pgvend's tenants, and of
nobody else, to PgBouncer alone."""

from collections.abc import AsyncIterator, Sequence

import asyncpg
import pytest

from tests.support.databases import provisioned_database, request_for_same_names
from tests.support.pooler import PASSWORD, prepared_server
from tests.support.postgres_under_test import (
    PostgresUnderTest,
    expect_refusal,
    session,
    tenant_session,
)
from tests.support.provision_requests import new_provision_request, opaque_request
from tests.support.servers import OperatorsServer

LOOKUP = "SELECT username, password FROM pgvend_pooler.find_login($1)"

VERIFIER = "SELECT rolpassword FROM pg_authid WHERE rolname = $1"


@pytest.fixture
async def pooler(server_15: OperatorsServer) -> AsyncIterator[asyncpg.Connection]:
    """A session of PgBouncer's role."""
    async with (
        prepared_server(server_15),
        session({"dsn": server_15.superuser_dsn}, user="pgvend_pooler", password=PASSWORD) as own,
    ):
        yield own


async def test_a_tenants_verifier_is_found(
    postgres_15: PostgresUnderTest, pooler: asyncpg.Connection
) -> None:
    async with provisioned_database(postgres_15.provider, opaque_request()) as connection:
        [verifier] = await postgres_15.sql(VERIFIER, connection.user)
        assert await _find(pooler, connection.user) == [(connection.user, verifier)]


async def test_the_admin_superusers_and_the_poolers_roles_are_not_found(
    postgres_15: PostgresUnderTest, pooler: asyncpg.Connection
) -> None:
    for role in (postgres_15.admin, "postgres", "pgvend_pooler", "pgvend_pooler_reader", ""):
        assert await _find(pooler, role) == []


@pytest.mark.parametrize(
    "change",
    [
        "COMMENT ON ROLE {role} IS 'other:testing:{id}'",
        "COMMENT ON ROLE {role} IS NULL",
        "ALTER ROLE {role} NOLOGIN",
        "ALTER ROLE {role} VALID UNTIL 'yesterday'",
        "ALTER ROLE {role} PASSWORD NULL",
        "SET password_encryption = 'md5'; ALTER ROLE {role} PASSWORD 'chosen'",
        "ALTER ROLE {role} CREATEROLE",
        "ALTER ROLE {role} SUPERUSER",
    ],
)
async def test_a_role_that_is_not_an_ordinary_tenants_is_not_found(
    postgres_15: PostgresUnderTest, pooler: asyncpg.Connection, change: str
) -> None:
    request = opaque_request()
    async with provisioned_database(postgres_15.provider, request) as connection:
        mark = postgres_15.provider.marks.of(request.tenant)
        role = f'"{connection.user}"'
        await postgres_15.sql(change.format(role=role, id=request.tenant.id))
        found = await _find(pooler, connection.user)
        await postgres_15.sql(
            f"ALTER ROLE {role} NOSUPERUSER NOCREATEROLE; COMMENT ON ROLE {role} IS '{mark}'"
        )
    assert found == []


async def test_an_owner_whose_name_can_be_used_again_is_not_found(
    postgres_15: PostgresUnderTest, pooler: asyncpg.Connection
) -> None:
    """Also if its nickname is another database's id."""
    for request in (new_provision_request(), request_for_same_names(opaque_request())):
        async with provisioned_database(postgres_15.provider, request) as connection:
            assert await _find(pooler, connection.user) == []


async def test_a_tenant_reads_no_verifier(
    postgres_15: PostgresUnderTest, pooler: asyncpg.Connection
) -> None:
    """Not even if the operator lets tenants log in to the database with the function."""
    async with provisioned_database(postgres_15.provider, opaque_request()) as connection:
        await postgres_15.sql(f'GRANT CONNECT ON DATABASE postgres TO "{connection.user}"')
        async with tenant_session(connection, database="postgres") as tenant:
            for query in (LOOKUP, VERIFIER):
                with expect_refusal():
                    await tenant.fetch(query, connection.user)
        await postgres_15.sql(f'REVOKE CONNECT ON DATABASE postgres FROM "{connection.user}"')


async def test_the_poolers_role_reads_verifiers_by_the_function_only(
    postgres_15: PostgresUnderTest, pooler: asyncpg.Connection
) -> None:
    for statement in (VERIFIER, "SET ROLE pgvend_pooler_reader"):
        with expect_refusal():
            await pooler.execute(statement.replace("$1", "'postgres'"))


async def test_the_script_is_safe_to_repeat(server_15: OperatorsServer) -> None:
    async with prepared_server(server_15):
        pass
    async with prepared_server(server_15):
        pass


async def _find(pooler: asyncpg.Connection, role: str) -> Sequence[tuple[str, str]]:
    return [tuple(row) for row in await pooler.fetch(LOOKUP, role)]
