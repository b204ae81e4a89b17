"""The registry's file: its lock and mode, and damage that is found when it is opened."""

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.registry.stores import open_sqlite_stores
from adapters.system.leases import InProcessLeases
from domain.errors import StartupError
from ports.driven.registry import Query
from tests.support.records import new_record
from tests.support.registries import registry_file
from tests.support.servers import ram_folder


@pytest.fixture
def file() -> Iterator[Path]:
    with ram_folder() as folder:
        yield registry_file(folder)


async def test_records_survive_in_files_that_other_users_cannot_read(file: Path) -> None:
    os.close(os.open(file, os.O_CREAT, 0o644))
    async with open_sqlite_stores(file, InProcessLeases()) as stores:
        kept = [await stores.registry.add(new_record()) for _ in range(3)]
        modes = {path.name: path.stat().st_mode & 0o777 for path in file.parent.iterdir()}

    assert set(modes.values()) == {0o600}
    assert {file.name, f"{file.name}-wal", f"{file.name}.lock"} <= modes.keys()
    async with open_sqlite_stores(file, InProcessLeases()) as stores:
        assert await stores.registry.search(Query()) == kept[::-1]


async def test_a_file_name_may_contain_url_syntax(file: Path) -> None:
    odd = file.with_name("a b%20?mode=memory#ü.sqlite3")

    await _open_and_close(odd)

    assert odd in file.parent.iterdir()


async def test_a_second_opening_is_refused_and_changes_nothing(file: Path) -> None:
    """Until the first is closed. The lock also applies within one process."""
    async with open_sqlite_stores(file, InProcessLeases()) as stores:
        await _assert_refused(file, r"in use by another pgvend.*PGVEND_REGISTRY_URL")
        kept = await stores.registry.add(new_record())
        assert await stores.registry.search(Query()) == [kept]

    await _open_and_close(file)


@pytest.mark.parametrize("text", [b"no database\n" * 1000, b"SQLite format 3\0" + b"x" * 5000])
async def test_a_file_that_is_not_a_registry_is_refused_and_kept(file: Path, text: bytes) -> None:
    _overwrite(file, at=0, text=text)

    await _assert_refused(file, r"damaged: move .*registry\.sqlite3\* away")

    assert _read(file) == text


async def test_a_damaged_page_is_found_when_the_file_is_opened(file: Path) -> None:
    async with open_sqlite_stores(file, InProcessLeases()) as stores:
        for _ in range(50):
            await stores.registry.add(new_record())
    _overwrite(file, at=len(_read(file)) // 2, text=os.urandom(8192))

    await _assert_refused(file, "damaged")


async def test_a_missing_folder_is_reported(file: Path) -> None:
    await _assert_refused(file / "deeper", r"cannot be written.*PGVEND_DATA_DIR")


async def test_a_file_that_another_program_locks_is_reported(file: Path) -> None:
    await _open_and_close(file)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    await _assert_refused(file, "locked by another program", lock_timeout=0.05)

    other.close()
    await _open_and_close(file)


async def test_an_opening_that_is_cancelled_leaves_the_file_free(file: Path) -> None:
    for moment in range(8):
        task = asyncio.create_task(_open_and_close(file))
        for _ in range(moment):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})

    await _open_and_close(file)


async def _open_and_close(file: Path) -> None:
    async with open_sqlite_stores(file, InProcessLeases()) as stores:
        await stores.registry.ping()


async def _assert_refused(file: Path, why: str, **more: float) -> None:
    with pytest.raises(StartupError, match=why):
        async with open_sqlite_stores(file, InProcessLeases(), **more):
            pass


def _overwrite(file: Path, at: int, text: bytes) -> None:
    with open(os.open(file, os.O_WRONLY | os.O_CREAT), "wb") as opened:
        opened.seek(at)
        opened.write(text)


def _read(file: Path) -> bytes:
    return file.read_bytes()
