"""A tenant's view of its database, and the objects that provisioning creates.

`tests/security` tries to reach everything else.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from domain.errors import NameTaken
from tests.support.databases import provisioned_database, request_for_same_names
from tests.support.obstacles import fetch_memberships, run
from tests.support.postgres_under_test import PostgresUnderTest, tenant_session
from tests.support.provision_requests import INSTALLATION, new_provision_request, with_next_password

ALLOWED = [
    "CREATE TABLE created (id int PRIMARY KEY); INSERT INTO created VALUES (1)",
    "CREATE SCHEMA own CREATE TABLE created (id int)",
    "CREATE FUNCTION one() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'",
    "CREATE TEMP TABLE passing (id int)",
    "CREATE VIEW seen AS SELECT 1",
    "ALTER SCHEMA public RENAME TO mine",
    "COMMENT ON DATABASE {database} IS 'mine'",
    "VACUUM",
]


async def test_the_tenant_owns_its_database_and_works_in_it(postgres: PostgresUnderTest) -> None:
    async with provisioned_database(postgres.provider, new_provision_request()) as connection:
        found = await postgres.sql(
            "SELECT pg_get_userbyid(datdba)::text FROM pg_database WHERE datname = $1",
            connection.database,
        )
        assert found == [connection.user]
        await run(connection, *ALLOWED)


async def test_only_the_owner_has_privileges_and_only_on_its_database(
    postgres: PostgresUnderTest,
) -> None:
    async with provisioned_database(postgres.provider, new_provision_request()) as connection:
        granted = await postgres.sql(
            "SELECT pg_get_userbyid(entry.grantee)::text, entry.privilege_type "
            "FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) AS entry "
            "WHERE datname = $1",
            connection.database,
        )
        privileges = ("CONNECT", "CREATE", "TEMPORARY")
        assert sorted(granted) == [(connection.user, each) for each in privileges]
        attributes = await postgres.sql(
            "SELECT rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, rolreplication, "
            "rolbypassrls, rolconnlimit FROM pg_roles WHERE rolname = $1",
            connection.user,
        )
        limit = postgres.provider.server.connection_limit
        assert attributes == [(True, False, False, False, False, False, limit)]
        of_others = "SELECT count(*) FROM pg_auth_members WHERE member = $1::text::regrole"
        assert await postgres.sql(of_others, f'"{connection.user}"') == [0]


async def test_provisioning_again_keeps_the_tenants_data(postgres: PostgresUnderTest) -> None:
    provision_request = new_provision_request()
    async with provisioned_database(postgres.provider, provision_request) as connection:
        await run(connection, "CREATE TABLE kept AS SELECT 42 AS answer")
        await postgres.provider.provision(provision_request)
        async with tenant_session(connection) as session:
            assert await session.fetchval("SELECT answer FROM kept") == 42


async def test_provisioning_leaves_marks_a_verifier_and_no_membership(
    postgres: PostgresUnderTest,
) -> None:
    provision_request = new_provision_request()
    verifier = "SELECT rolpassword FROM pg_authid WHERE rolname = $1"
    async with provisioned_database(postgres.provider, provision_request) as connection:
        marks = await postgres.sql(
            "SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = $1 UNION ALL "
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $2",
            connection.user,
            connection.database,
        )
        assert marks == [f"pgvend:{INSTALLATION}:{provision_request.tenant.id}"] * 2
        [first] = await postgres.sql(verifier, connection.user)
        assert first.startswith("SCRAM-SHA-256$4096:")

        await postgres.provider.provision(provision_request)
        assert await postgres.sql(verifier, connection.user) != [first], "a salt of its own"
        assert await fetch_memberships(postgres, connection) == []


async def test_the_servers_log_contains_no_password(postgres: PostgresUnderTest) -> None:
    provision_request = new_provision_request()
    passwords = [
        provision_request.password.reveal(),
        with_next_password(provision_request).password.reveal(),
    ]
    async with _full_statement_log(postgres):
        async with provisioned_database(postgres.provider, provision_request):
            await postgres.provider.rotate(with_next_password(provision_request))
            with pytest.raises(NameTaken):
                await postgres.provider.provision(request_for_same_names(provision_request))
        await _lose_a_race(postgres)
        log = postgres.log.read_text()
    assert provision_request.tenant.names.owner in log
    assert [password for password in passwords if password in log] == []


async def _lose_a_race(postgres: PostgresUnderTest) -> None:
    """Run two provisions with the same name: one fails in CREATE ROLE, and the server logs that
    statement."""
    provision_request = new_provision_request()
    provision_requests = [provision_request, request_for_same_names(provision_request)]
    try:
        results = await asyncio.gather(
            *(
                postgres.provider.provision(provision_request)
                for provision_request in provision_requests
            ),
            return_exceptions=True,
        )
        assert NameTaken in map(type, results)
    finally:
        for provision_request in provision_requests:
            await postgres.provider.delete(provision_request.tenant)


@asynccontextmanager
async def _full_statement_log(postgres: PostgresUnderTest) -> AsyncIterator[None]:
    await postgres.sql("ALTER SYSTEM SET log_statement = 'all'")
    await postgres.sql("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        await postgres.sql("ALTER SYSTEM RESET log_statement")
        await postgres.sql("SELECT pg_reload_conf()")
