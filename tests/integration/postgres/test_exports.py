"""Exports of suspended databases by pg_dump."""

import asyncio
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.driver.connector import Login
from adapters.postgres.errors import FAILURES
from adapters.postgres.login_check import PostgresLoginCheck
from domain.errors import DatabaseNotFound, ExportFailed
from tests.support.embedded_servers import Events
from tests.support.exported_database import ExportedDatabase, exported_database
from tests.support.exports import FILE, create_pg_dump, list_files
from tests.support.polling import wait_until
from tests.support.postgres_under_test import PostgresUnderTest, session, tenant_session

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

UNREADABLE = {
    "forces row-level security": (
        "CREATE TABLE secret (a int); ALTER TABLE secret ENABLE ROW LEVEL SECURITY;"
        "ALTER TABLE secret FORCE ROW LEVEL SECURITY"
    ),
}


@pytest.fixture
async def shop(postgres: PostgresUnderTest, tmp_path: Path) -> AsyncIterator[ExportedDatabase]:
    async with exported_database(postgres, tmp_path) as shop:
        yield shop


async def test_a_suspended_database_is_dumped_and_stays_suspended(shop: ExportedDatabase) -> None:
    await shop.suspend()

    for _ in range(2):
        size = await shop.export()

    assert list_files(shop.folder) == [FILE]
    status = (shop.folder / FILE).stat()
    assert (status.st_size, stat.S_IMODE(status.st_mode)) == (size, 0o600)
    sql = shop.read_dump()
    assert "CREATE TABLE public.fruit" in sql
    assert "\napple\n" in sql
    await shop.assert_closed()
    assert await shop.provider.provision(shop.request) == shop.connection
    await PostgresLoginCheck().verify(shop.connection)


async def test_settings_of_a_tenant_do_not_prevent_its_dump(shop: ExportedDatabase) -> None:
    await shop.suspend(*HOSTILE_SETTINGS)

    await shop.export()

    assert "\napple\n" in shop.read_dump()


async def test_a_dump_that_exceeds_the_size_limit_is_removed(shop: ExportedDatabase) -> None:
    await shop.suspend(
        "CREATE TABLE noise AS SELECT sha256(i::text::bytea) FROM generate_series(1, 10000) AS i"
    )

    with pytest.raises(ExportFailed, match="exceeds PGVEND_EXPORT_MAX_SIZE"):
        await shop.export(create_pg_dump(size_limit=100_000))

    assert list_files(shop.folder) == []
    await shop.assert_closed()


async def test_a_dump_that_takes_too_long_is_stopped(shop: ExportedDatabase) -> None:
    await shop.suspend()

    with pytest.raises(ExportFailed, match="longer than PGVEND_EXPORT_TIMEOUT"):
        await shop.export(create_pg_dump(time_limit=0))

    assert list_files(shop.folder) == []
    await shop.assert_closed()


async def test_a_cancelled_dump_leaves_nothing(shop: ExportedDatabase) -> None:
    postgres = shop.postgres
    async with session(postgres.superuser, database=shop.connection.database) as superuser:
        await shop.suspend()
        await superuser.execute("BEGIN; LOCK TABLE public.fruit")
        export = asyncio.ensure_future(shop.export())

        async def is_waiting() -> bool:
            query = "SELECT FROM pg_stat_activity WHERE usename = $1 AND wait_event_type = 'Lock'"
            return bool(await postgres.sql(query, shop.role))

        await wait_until(is_waiting)
        export.cancel()
        await asyncio.gather(export, return_exceptions=True)

        assert export.cancelled()
    assert list_files(shop.folder) == []
    await shop.assert_closed()


async def test_an_export_follows_one_that_was_killed(shop: ExportedDatabase) -> None:
    await shop.suspend()
    login = await shop.interrupt_export()
    (shop.folder / f".{FILE}.old.part").write_text("half")
    async with session(login) as orphan:
        await shop.export()

        with pytest.raises(FAILURES):
            await orphan.execute("SELECT 1")
    assert list_files(shop.folder) == [FILE]
    await shop.assert_closed()


async def test_a_database_whose_export_was_killed_can_be_opened_and_deleted(
    shop: ExportedDatabase,
) -> None:
    await shop.suspend()
    login = await shop.interrupt_export()
    async with session(login):
        await shop.provider.provision(shop.request)
        async with tenant_session(shop.connection), tenant_session(shop.connection):
            pass

        await shop.provider.delete(shop.tenant)
    roles, _ = await shop.postgres.list_names()
    assert login["user"] not in roles


async def test_a_database_that_is_opened_during_its_export_stays_open(
    shop: ExportedDatabase,
) -> None:
    """The process that exports it lost its lease, and another replica restored it."""
    await shop.suspend()

    async def restore(_: Login) -> None:
        assert await shop.provider.provision(shop.request) == shop.connection

    await shop.while_exported(restore)

    for _ in range(2):
        await PostgresLoginCheck().verify(shop.connection)
    roles, _ = await shop.postgres.list_names()
    assert shop.role not in roles


@pytest.mark.parametrize("reason", UNREADABLE)
async def test_a_database_that_its_owner_cannot_read_is_not_dumped_in_part(
    shop: ExportedDatabase, reason: str
) -> None:
    await shop.suspend(UNREADABLE[reason])
    events = Events()

    with pytest.raises(ExportFailed, match=reason):
        await shop.export(create_pg_dump(events=events))

    assert list_files(shop.folder) == []
    assert "secret" in str(events.fields("export.pg_dump")[0]["messages"])


async def test_a_tenant_without_a_database_is_not_found(shop: ExportedDatabase) -> None:
    await shop.postgres.sql(f"DROP DATABASE {shop.tenant.names.database}")
    with pytest.raises(DatabaseNotFound):
        await shop.export()

    await shop.provider.delete(shop.tenant)
    with pytest.raises(DatabaseNotFound):
        await shop.export()
    assert list_files(shop.folder) == []
