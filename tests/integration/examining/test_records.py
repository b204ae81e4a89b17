"""Records are looked at before a service opens them, or while one has them open, and stay as they
are."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, text

from adapters.memory.leases import MemoryLeases
from adapters.registry.examining import FileExamination, ServerExamination
from adapters.registry.migrating import migrate, scripts
from adapters.registry.opening import Opened, opened_postgres, opened_sqlite
from domain.checkup import Outcome
from domain.errors import StartupError
from tests.support.checkups import FAIL, OK, mend, outcomes, run
from tests.support.records import ELSEWHERE, TARGET, new_record
from tests.support.registries import own_database, registry_file
from tests.support.servers import OperatorsServer, ram_folder

SHARED = "registry.sqlite3-shm"
"""What all who read share, and nobody needs."""

OLDER = [step.revision for step in scripts().walk_revisions()][1:]


@pytest.fixture
def folder() -> Iterator[Path]:
    with ram_folder() as folder:
        yield folder


async def test_live_records_are_remembered_and_the_files_stay_as_they_are(folder: Path) -> None:
    assert (await _examined(folder))["records"].verdict is OK
    assert _contents(folder) == {}, "none are made"

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


async def test_what_a_crash_left_is_read_and_left(folder: Path) -> None:
    """A part of the records is in a second file then, which the next start moves into the first."""
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
async def test_tables_of_an_older_version_are_read_and_not_migrated(
    folder: Path, revision: str
) -> None:
    _make(registry_file(folder), revision)
    before = _contents(folder)
    found = await _examined(folder)

    assert found["records"].verdict is OK
    assert "up to date" in found["records"].detail
    assert _contents(folder) == before


async def test_tables_of_a_newer_version_have_failed(folder: Path) -> None:
    _make(registry_file(folder), "head", "UPDATE pgvend_revision SET version_num = '9999'")
    found = await _examined(folder)

    assert found["records"].verdict is FAIL
    assert "9999" in found["records"].detail


async def test_a_damaged_file_is_told_by_its_path(folder: Path) -> None:
    registry_file(folder).write_bytes(b"no database" * 1000)

    with pytest.raises(StartupError, match=str(registry_file(folder))):
        await _examined(folder)


async def test_records_on_a_server_are_remembered(server_15: OperatorsServer) -> None:
    async with own_database(server_15) as url:
        empty = await outcomes(ServerExamination(url))
        async with opened_postgres(url) as opened:
            await _fill(opened)
            found = await outcomes(ServerExamination(url))

    assert empty["records"].verdict is empty["records' server"].verdict is OK
    assert found["records"].detail == "2 databases."


async def test_a_login_that_may_not_make_tables_is_let(server_15: OperatorsServer) -> None:
    async with own_database(server_15) as url:
        database = url.rpartition("/")[2]
        await run(server_15, f'ALTER DATABASE "{database}" OWNER TO postgres')
        before = (await outcomes(ServerExamination(url)))["records' server"]
        await mend(server_15, before)
        again = (await outcomes(ServerExamination(url)))["records' server"]
        async with opened_postgres(url):
            pass

    assert (before.verdict, again.verdict) == (FAIL, OK)


async def test_a_server_that_is_not_there_is_told_without_its_url() -> None:
    examination = ServerExamination("postgresql://pgvend:hunter2@127.0.0.1:1/registry")

    with pytest.raises(StartupError, match="PGVEND_REGISTRY_URL") as told:
        await outcomes(examination)
    assert "hunter2" not in f"{told.value!r} {examination!r}"


async def _fill(opened: Opened) -> None:
    """One here, one elsewhere, and one that is gone."""
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
