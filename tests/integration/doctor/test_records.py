"""Doctor checks of the registry, with and without a running service; they change nothing."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, text

from adapters.registry.doctor import PostgresRegistryChecks, SqliteRegistryChecks
from adapters.registry.migration import list_revisions, migrate
from adapters.registry.postgres_stores import open_postgres_stores
from adapters.registry.stores import Stores, open_sqlite_stores
from adapters.system.leases import InProcessLeases
from domain.doctor import Outcome
from domain.errors import StartupError
from domain.lifecycle import State
from tests.support.doctor import FAIL, OK, apply_fixes, collect_outcomes, run_as_superuser
from tests.support.records import ELSEWHERE, TARGET, new_record
from tests.support.registries import registry_file, temporary_database
from tests.support.servers import OperatorsServer, ram_folder

SHARED = "registry.sqlite3-shm"
"""A file that all readers share and that may be deleted."""

OLDER = list_revisions()[:-1]


@pytest.fixture
def folder() -> Iterator[Path]:
    with ram_folder() as folder:
        yield folder


async def test_live_records_are_counted_and_files_stay_unchanged(folder: Path) -> None:
    assert (await _run_checks(folder))["records"].verdict is OK
    assert _contents(folder) == {}, "no files are created"

    async with open_sqlite_stores(registry_file(folder), InProcessLeases()) as stores:
        await stores.installation.name("first")
        await _fill(stores)
        while_open = await _run_checks(folder)
    before = _contents(folder)
    closed = await _run_checks(folder)
    found = await SqliteRegistryChecks(registry_file(folder)).take_snapshot()

    assert while_open["records"] == closed["records"]
    assert closed["records"].detail == "2 databases."
    assert await found.name("second") == "first"
    assert sum((await found.count_by_secret(TARGET.name)).values()) == 1
    [spare] = (record for record in found.live if record.state == State.SPARE)
    assert (spare.source, spare.is_idle) == ("db_t", True)
    assert _contents(folder) == before


async def test_files_left_by_a_crash_are_read_and_kept(folder: Path) -> None:
    """Some of the records are in a second file, which the next start moves into the first."""
    with ram_folder() as crashed:
        async with open_sqlite_stores(registry_file(folder), InProcessLeases()) as stores:
            await _fill(stores)
            shutil.copytree(folder, crashed, dirs_exist_ok=True)
        before = _contents(crashed)
        found = await _run_checks(crashed)
        after = _contents(crashed)

    assert found["records"].detail == "2 databases."
    assert [name for name in before if before[name] != after[name]] in ([], [SHARED])


@pytest.mark.parametrize("revision", OLDER)
async def test_tables_of_an_older_version_are_read_without_migration(
    folder: Path, revision: str
) -> None:
    _create_tables(registry_file(folder), revision)
    before = _contents(folder)
    found = await _run_checks(folder)

    assert found["records"].verdict is OK
    assert "up to date" in found["records"].detail
    assert _contents(folder) == before


async def test_tables_of_a_newer_version_fail_the_check(folder: Path) -> None:
    _create_tables(registry_file(folder), "head", "UPDATE pgvend_revision SET version_num = '9999'")
    found = await _run_checks(folder)

    assert found["records"].verdict is FAIL
    assert "9999" in found["records"].detail


async def test_a_damaged_file_is_reported_with_its_path(folder: Path) -> None:
    registry_file(folder).write_bytes(b"no database" * 1000)

    with pytest.raises(StartupError, match=str(registry_file(folder))):
        await _run_checks(folder)


async def test_records_on_a_server_are_counted(server_15: OperatorsServer) -> None:
    async with temporary_database(server_15) as url:
        empty = await collect_outcomes(PostgresRegistryChecks(url))
        async with open_postgres_stores(url) as stores:
            await _fill(stores)
            found = await collect_outcomes(PostgresRegistryChecks(url))

    assert empty["records"].verdict is empty["records' server"].verdict is OK
    assert found["records"].detail == "2 databases."


async def test_a_login_without_the_privilege_to_create_tables_is_fixed(
    server_15: OperatorsServer,
) -> None:
    async with temporary_database(server_15) as url:
        database = url.rpartition("/")[2]
        await run_as_superuser(server_15, f'ALTER DATABASE "{database}" OWNER TO postgres')
        before = (await collect_outcomes(PostgresRegistryChecks(url)))["records' server"]
        await apply_fixes(server_15, before)
        again = (await collect_outcomes(PostgresRegistryChecks(url)))["records' server"]
        async with open_postgres_stores(url):
            pass

    assert (before.verdict, again.verdict) == (FAIL, OK)


async def test_an_unreachable_server_is_reported_without_its_url() -> None:
    checks = PostgresRegistryChecks("postgresql://pgvend:hunter2@127.0.0.1:1/registry")

    with pytest.raises(StartupError, match="PGVEND_REGISTRY_URL") as failed:
        await collect_outcomes(checks)
    assert "hunter2" not in f"{failed.value!r} {checks!r}"


async def _fill(stores: Stores) -> None:
    """Add a record of this target, one of another target, one that is missing, and a spare."""
    await stores.registry.add(new_record())
    await stores.registry.add(new_record(target=ELSEWHERE))
    missing = await stores.registry.add(new_record())
    await stores.registry.update(missing.mark_missing())
    await stores.registry.add(replace(new_record(state=State.SPARE), source="db_t", wake_at=None))


async def _run_checks(folder: Path) -> Mapping[str, Outcome]:
    return await collect_outcomes(SqliteRegistryChecks(registry_file(folder)))


def _create_tables(file: Path, revision: str, *statements: str) -> None:
    engine = create_engine(f"sqlite:///{file}", poolclass=NullPool)
    with engine.begin() as connection:
        migrate(connection, revision)
        for statement in statements:
            connection.execute(text(statement))


def _contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}
