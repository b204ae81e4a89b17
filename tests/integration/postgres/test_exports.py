"""Exports of suspended databases by pg_dump."""

import asyncio
import stat
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from adapters.driver.connector import Login
from adapters.postgres.errors import FAILURES
from adapters.postgres.exports.access import ExportAccess, build_role_name
from adapters.postgres.inspection import inspect_tenant
from adapters.postgres.login_check import PostgresLoginCheck
from domain.connection import Connection
from domain.errors import DatabaseNotFound, ExportFailed, ProviderRejected
from domain.provisioning import ProvisionRequest
from entrypoints.config.programs import find_newest_program
from tests.support.databases import provisioned_database
from tests.support.embedded_servers import Events
from tests.support.exports import (
    FILE,
    create_exporter,
    create_pg_dump,
    hold_dump,
    list_files,
    while_held,
)
from tests.support.obstacles import create_many_policies, run
from tests.support.polling import wait_until
from tests.support.postgres_under_test import PostgresUnderTest, session, tenant_session
from tests.support.provision_requests import new_provision_request

FRUIT = "CREATE TABLE fruit AS SELECT 'apple' AS name"

HOSTILE_SETTINGS = [
    "ALTER DATABASE {database} SET default_transaction_read_only = on",
    "ALTER DATABASE {database} SET statement_timeout = 1",
    "ALTER DATABASE {database} SET lock_timeout = 1",
    "ALTER DATABASE {database} SET search_path = nowhere",
    "ALTER DATABASE {database} SET role = {user}",
    "ALTER DATABASE {database} SET local_preload_libraries = nowhere",
    "ALTER DATABASE {database} SET row_security = on",
    "ALTER DATABASE {database} SET client_min_messages = error",
    "ALTER ROLE {user} SET search_path = nowhere",
    "ALTER ROLE {user} SET statement_timeout = 1",
    "REVOKE CONNECT ON DATABASE {database} FROM {user}",
    "ALTER DATABASE {database} CONNECTION LIMIT 0",
]

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

UNREADABLE = {
    "forces row-level security": (
        "CREATE TABLE secret (a int); ALTER TABLE secret ENABLE ROW LEVEL SECURITY;"
        "ALTER TABLE secret FORCE ROW LEVEL SECURITY"
    ),
}


@pytest.fixture
def provision_request() -> ProvisionRequest:
    return new_provision_request()


@pytest.fixture
async def connection(
    postgres: PostgresUnderTest, provision_request: ProvisionRequest
) -> AsyncIterator[Connection]:
    """A tenant's database with a table."""
    async with provisioned_database(postgres.provider, provision_request) as connection:
        async with tenant_session(connection) as tenant:
            await tenant.execute(FRUIT)
        yield connection


async def assert_closed(postgres: PostgresUnderTest, request: ProvisionRequest) -> None:
    """Assert that nothing of an export is left on the server, and that the tenant is suspended."""
    tenant = request.tenant
    roles, _ = await postgres.list_names()
    assert build_role_name(tenant.id) not in roles
    open_databases = await postgres.sql("SELECT datname FROM pg_database WHERE datallowconn")
    assert tenant.names.database not in open_databases
    can_login = "SELECT rolcanlogin FROM pg_roles WHERE rolname = $1"
    assert await postgres.sql(can_login, tenant.names.owner) == [False]


def read_dump(folder: Path) -> str:
    """Return the dump as SQL."""
    program = find_newest_program("pg_restore")
    assert program
    command = [str(program), "--file=-", str(folder / FILE)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


async def test_a_suspended_database_is_dumped_and_stays_suspended(
    postgres: PostgresUnderTest,
    provision_request: ProvisionRequest,
    connection: Connection,
    tmp_path: Path,
) -> None:
    await postgres.provider.suspend(provision_request.tenant)

    for _ in range(2):
        size = await create_exporter(postgres.provider, tmp_path).export(
            provision_request.tenant, FILE
        )

    assert list_files(tmp_path) == [FILE]
    status = (tmp_path / FILE).stat()
    assert (status.st_size, stat.S_IMODE(status.st_mode)) == (size, 0o600)
    sql = read_dump(tmp_path)
    assert "CREATE TABLE public.fruit" in sql
    assert "\napple\n" in sql
    await assert_closed(postgres, provision_request)
    assert await postgres.provider.provision(provision_request) == connection
    await PostgresLoginCheck().verify(connection)


async def test_settings_of_a_tenant_do_not_prevent_its_dump(
    postgres: PostgresUnderTest,
    provision_request: ProvisionRequest,
    connection: Connection,
    tmp_path: Path,
) -> None:
    await run(connection, *HOSTILE_SETTINGS)
    await postgres.provider.suspend(provision_request.tenant)

    await create_exporter(postgres.provider, tmp_path).export(provision_request.tenant, FILE)

    assert "\napple\n" in read_dump(tmp_path)


async def test_a_database_that_is_being_dumped_admits_nobody_else(
    postgres: PostgresUnderTest,
    provision_request: ProvisionRequest,
    connection: Connection,
    tmp_path: Path,
) -> None:
    """Its owner is locked, and a neighbor that the owner admitted finds no place."""
    provider, database = postgres.provider, connection.database
    exporter = create_exporter(provider, tmp_path, hold_dump())
    neighbor_request = new_provision_request()
    async with provisioned_database(provider, neighbor_request) as neighbor:
        await run(connection, f"GRANT CONNECT ON DATABASE {{database}} TO {neighbor.user}")
        await provider.suspend(provision_request.tenant)

        async def try_to_enter(login: Login) -> None:
            async with session(login):
                with pytest.raises(asyncpg.TooManyConnectionsError):
                    async with tenant_session(neighbor, database=database):
                        pass
                with pytest.raises(ProviderRejected):
                    await PostgresLoginCheck().verify(connection)

        await while_held(
            exporter, lambda: exporter.export(provision_request.tenant, FILE), try_to_enter
        )
        await assert_closed(postgres, provision_request)
        await provider.delete(provision_request.tenant)  # which names the neighbor


async def test_a_dump_has_the_rights_of_the_owner_and_no_others(
    postgres: PostgresUnderTest,
    provision_request: ProvisionRequest,
    connection: Connection,
    tmp_path: Path,
) -> None:
    exporter = create_exporter(postgres.provider, tmp_path, hold_dump())
    await postgres.provider.suspend(provision_request.tenant)

    async def check_rights(login: Login) -> None:
        async with session(login) as inside:
            roles = {role["rolname"] for role in await inside.fetch(MEMBERSHIPS)}
            assert roles == {connection.user, login["user"], "pg_database_owner"}
            assert not await inside.fetchval(SPECIAL_RIGHTS)

    await while_held(
        exporter, lambda: exporter.export(provision_request.tenant, FILE), check_rights
    )


async def test_a_dump_that_exceeds_the_size_limit_is_removed(
    postgres: PostgresUnderTest,
    provision_request: ProvisionRequest,
    connection: Connection,
    tmp_path: Path,
) -> None:
    await run(
        connection,
        "CREATE TABLE noise AS SELECT sha256(i::text::bytea) FROM generate_series(1, 10000) AS i",
    )
    await postgres.provider.suspend(provision_request.tenant)
    exporter = create_exporter(postgres.provider, tmp_path, create_pg_dump(size_limit=100_000))

    with pytest.raises(ExportFailed, match="exceeds PGVEND_EXPORT_MAX_SIZE"):
        await exporter.export(provision_request.tenant, FILE)

    assert list_files(tmp_path) == []
    await assert_closed(postgres, provision_request)


async def lock_fruit(superuser: asyncpg.Connection) -> None:
    await superuser.execute("BEGIN; LOCK TABLE public.fruit")


async def test_a_dump_that_takes_too_long_is_stopped(
    postgres: PostgresUnderTest,
    provision_request: ProvisionRequest,
    connection: Connection,
    tmp_path: Path,
) -> None:
    await postgres.provider.suspend(provision_request.tenant)
    exporter = create_exporter(postgres.provider, tmp_path, create_pg_dump(time_limit=0))

    with pytest.raises(ExportFailed, match="longer than PGVEND_EXPORT_TIMEOUT"):
        await exporter.export(provision_request.tenant, FILE)

    assert list_files(tmp_path) == []
    await assert_closed(postgres, provision_request)


async def test_a_cancelled_dump_leaves_nothing(
    postgres: PostgresUnderTest,
    provision_request: ProvisionRequest,
    connection: Connection,
    tmp_path: Path,
) -> None:
    tenant, role = provision_request.tenant, build_role_name(provision_request.tenant.id)
    exporter = create_exporter(postgres.provider, tmp_path)
    async with session(postgres.superuser, database=connection.database) as superuser:
        await postgres.provider.suspend(tenant)
        await lock_fruit(superuser)
        export = asyncio.ensure_future(exporter.export(tenant, FILE))

        async def is_waiting() -> bool:
            query = "SELECT FROM pg_stat_activity WHERE usename = $1 AND wait_event_type = 'Lock'"
            return bool(await postgres.sql(query, role))

        await wait_until(is_waiting)
        export.cancel()
        await asyncio.gather(export, return_exceptions=True)

        assert export.cancelled()
    assert list_files(tmp_path) == []
    await assert_closed(postgres, provision_request)


async def interrupt_export(postgres: PostgresUnderTest, request: ProvisionRequest) -> Login:
    """Leave what a process leaves that is killed during an export. Return the login."""
    provider = postgres.provider
    async with provider.tenant_lock(request.tenant) as inside:
        state = await inspect_tenant(inside, request.tenant, provider.marks)
        return await ExportAccess(inside, request.tenant.id, state, provider.server).open()


async def test_an_export_follows_one_that_was_killed(
    postgres: PostgresUnderTest,
    provision_request: ProvisionRequest,
    connection: Connection,
    tmp_path: Path,
) -> None:
    await postgres.provider.suspend(provision_request.tenant)
    login = await interrupt_export(postgres, provision_request)
    (tmp_path / f".{FILE}.old.part").write_text("half")
    async with session(login) as orphan:
        await create_exporter(postgres.provider, tmp_path).export(provision_request.tenant, FILE)

        with pytest.raises(FAILURES):
            await orphan.execute("SELECT 1")
    assert list_files(tmp_path) == [FILE]
    await assert_closed(postgres, provision_request)


async def test_a_database_whose_export_was_killed_can_be_opened_and_deleted(
    postgres: PostgresUnderTest, provision_request: ProvisionRequest, connection: Connection
) -> None:
    await postgres.provider.suspend(provision_request.tenant)
    login = await interrupt_export(postgres, provision_request)
    async with session(login):
        await postgres.provider.provision(provision_request)
        async with tenant_session(connection), tenant_session(connection):
            pass

        await postgres.provider.delete(provision_request.tenant)
    roles, _ = await postgres.list_names()
    assert login["user"] not in roles


async def test_privileges_of_the_temporary_role_neither_keep_it_nor_its_database(
    postgres: PostgresUnderTest,
    provision_request: ProvisionRequest,
    connection: Connection,
    tmp_path: Path,
) -> None:
    """Every tenant sees the role's name and can grant it something."""
    provider, tenant = postgres.provider, provision_request.tenant
    exporter = create_exporter(provider, tmp_path, hold_dump())
    async with provisioned_database(provider, new_provision_request()) as neighbor:
        await provider.suspend(tenant)

        async def grant(login: Login) -> None:
            grants = (f"GRANT {what} TO {login['user']}" for what in GRANTED)
            await run(neighbor, FRUIT, *grants)

        await while_held(exporter, lambda: exporter.export(tenant, FILE), grant)

        await assert_closed(postgres, provision_request)


async def test_a_temporary_role_that_stays_is_locked_and_used_again(
    postgres: PostgresUnderTest,
    provision_request: ProvisionRequest,
    connection: Connection,
    tmp_path: Path,
) -> None:
    """More policies name it than are removed at once."""
    provider, tenant = postgres.provider, provision_request.tenant
    exporter = create_exporter(provider, tmp_path, hold_dump())
    async with provisioned_database(provider, new_provision_request()) as neighbor:
        await provider.suspend(tenant)

        async def add_policies(login: Login) -> None:
            policies = create_many_policies("fruit").replace("{user}", login["user"])
            await run(neighbor, policies)

        await while_held(exporter, lambda: exporter.export(tenant, FILE), add_policies)

        role = build_role_name(tenant.id)
        assert await postgres.sql(IS_POWERLESS, role) == [True]
        await create_exporter(provider, tmp_path).export(tenant, FILE)
        await assert_closed(postgres, provision_request)


async def test_an_open_transaction_that_names_the_temporary_role_does_not_keep_it(
    postgres: PostgresUnderTest,
    provision_request: ProvisionRequest,
    connection: Connection,
    tmp_path: Path,
) -> None:
    provider, tenant = postgres.provider, provision_request.tenant
    exporter = create_exporter(provider, tmp_path, hold_dump())
    async with provisioned_database(provider, new_provision_request()) as neighbor:
        await provider.suspend(tenant)
        async with tenant_session(neighbor) as transaction:

            async def grant(login: Login) -> None:
                await transaction.execute(
                    f"{FRUIT}; BEGIN; GRANT SELECT ON fruit TO {login['user']}"
                )

            await while_held(exporter, lambda: exporter.export(tenant, FILE), grant)

        await assert_closed(postgres, provision_request)


@pytest.mark.parametrize("reason", UNREADABLE)
async def test_a_database_that_its_owner_cannot_read_is_not_dumped_in_part(
    postgres: PostgresUnderTest,
    provision_request: ProvisionRequest,
    connection: Connection,
    tmp_path: Path,
    reason: str,
) -> None:
    await run(connection, UNREADABLE[reason])
    await postgres.provider.suspend(provision_request.tenant)
    events = Events()
    exporter = create_exporter(postgres.provider, tmp_path, create_pg_dump(events=events))

    with pytest.raises(ExportFailed, match=reason):
        await exporter.export(provision_request.tenant, FILE)

    assert list_files(tmp_path) == []
    assert "secret" in str(events.fields("export.pg_dump")[0]["messages"])


async def test_a_tenant_without_a_database_is_not_found(
    postgres: PostgresUnderTest, provision_request: ProvisionRequest, tmp_path: Path
) -> None:
    exporter = create_exporter(postgres.provider, tmp_path)
    with pytest.raises(DatabaseNotFound):
        await exporter.export(provision_request.tenant, FILE)

    async with provisioned_database(postgres.provider, provision_request):
        await postgres.sql(f"DROP DATABASE {provision_request.tenant.names.database}")
        with pytest.raises(DatabaseNotFound):
            await exporter.export(provision_request.tenant, FILE)
    assert list_files(tmp_path) == []
