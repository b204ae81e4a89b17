"""Doctor checks of the registry, with and without a running service; they change nothing."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, text

from adapters.registry.doctor import FileExamination, ServerExamination
from adapters.registry.migration import migrate, scripts
from adapters.registry.stores import Opened, opened_postgres, opened_sqlite
from adapters.system.leases import MemoryLeases
from domain.doctor import Outcome
from domain.errors import StartupError
from tests.support.doctor import FAIL, OK, mend, outcomes, run
from tests.support.records import ELSEWHERE, TARGET, new_record
from tests.support.registries import own_database, registry_file
from tests.support.servers import OperatorsServer, ram_folder

SHARED = "registry.sqlite3-shm"
"""A file that all readers share and that may be deleted."""

OLDER = [step.revision for step in scripts().walk_revisions()][1:]


@pytest.fixture
def folder() -> Iterator[Path]:
    with ram_folder() as folder:
        yield folder


async def test_live_records_are_counted_and_files_stay_unchanged(folder: Path) -> None:
    assert (await _examined(folder))["records"].verdict is OK
    assert _contents(folder) == {}, "no files are created"

    async with opened_sqlite(registry_file(folder), MemoryLeases()) as opened:
        await opened.installation.name("first")
        await _fill(opened)
        while_open = await _examined(folder)
    before = _contents(folder)
    at_rest = await _examined(folder)
    found = await FileExamination(registry_file(folder)).look()

    assert while_open["records"] == at_rest["records"]
    assert at_rest["records"].detail == "2 databases."
    assert await found.name("second") == "first"
    assert sum((await found.count_by_secret(TARGET.name)).values()) == 1
    assert _contents(folder) == before


async def test_files_left_by_a_crash_are_read_and_kept(folder: Path) -> None:
    """Some of the records are in a second file, which the next start moves into the first."""
    with ram_folder() as crashed:
        async with opened_sqlite(registry_file(folder), MemoryLeases()) as opened:
            await _fill(opened)
            shutil.copytree(folder, crashed, dirs_exist_ok=True)
        before = _contents(crashed)
        found = await _examined(crashed)
        after = _contents(crashed)

    assert found["records"].detail == "2 databases."
    assert [name for name in before if before[name] != after[name]] in ([], [SHARED])


@pytest.mark.parametrize("revision", OLDER)
async def test_tables_of_an_older_version_are_read_without_migration(
    folder: Path, revision: str
) -> None:
    _make(registry_file(folder), revision)
    before = _contents(folder)
    found = await _examined(folder)

    assert found["records"].verdict is OK
    assert "up to date" in found["records"].detail
    assert _contents(folder) == before


async def test_tables_of_a_newer_version_fail_the_check(folder: Path) -> None:
    _make(registry_file(folder), "head", "UPDATE pgvend_revision SET version_num = '9999'")
    found = await _examined(folder)

    assert found["records"].verdict is FAIL
    assert "9999" in found["records"].detail


async def test_a_damaged_file_is_reported_with_its_path(folder: Path) -> None:
    registry_file(folder).write_bytes(b"no database" * 1000)

    with pytest.raises(StartupError, match=str(registry_file(folder))):
        await _examined(folder)


async def test_records_on_a_server_are_counted(server_15: OperatorsServer) -> None:
    async with own_database(server_15) as url:
        empty = await outcomes(ServerExamination(url))
        async with opened_postgres(url) as opened:
            await _fill(opened)
            found = await outcomes(ServerExamination(url))

    assert empty["records"].verdict is empty["records' server"].verdict is OK
    assert found["records"].detail == "2 databases."


async def test_a_login_without_the_right_to_create_tables_is_fixed(
    server_15: OperatorsServer,
) -> None:
    async with own_database(server_15) as url:
        database = url.rpartition("/")[2]
        await run(server_15, f'ALTER DATABASE "{database}" OWNER TO postgres')
        before = (await outcomes(ServerExamination(url)))["records' server"]
        await mend(server_15, before)
        again = (await outcomes(ServerExamination(url)))["records' server"]
        async with opened_postgres(url):
            pass

    assert (before.verdict, again.verdict) == (FAIL, OK)


async def test_an_unreachable_server_is_reported_without_its_url() -> None:
    examination = ServerExamination("postgresql://pgvend:hunter2@127.0.0.1:1/registry")

    with pytest.raises(StartupError, match="PGVEND_REGISTRY_URL") as failed:
        await outcomes(examination)
    assert "hunter2" not in f"{failed.value!r} {examination!r}"


async def _fill(opened: Opened) -> None:
    """Add a record of this target, one of another target and one that is missing."""
    await opened.registry.add(new_record())
    await opened.registry.add(new_record(target=ELSEWHERE))
    gone = await opened.registry.add(new_record())
    await opened.registry.update(gone.lost())


async def _examined(folder: Path) -> Mapping[str, Outcome]:
    return await outcomes(FileExamination(registry_file(folder)))


def _make(file: Path, revision: str, *statements: str) -> None:
    engine = create_engine(f"sqlite:///{file}", poolclass=NullPool)
    with engine.begin() as connection:
        migrate(connection, revision)
        for statement in statements:
            connection.execute(text(statement))


def _contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}
