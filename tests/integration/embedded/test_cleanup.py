"""Cleanup of the data folder at the start after a crash."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from domain.errors import StartupError
from tests.support.embedded_servers import (
    Events,
    data_folder_in,
    open_server,
    read_notes,
    write_note,
)
from tests.support.provision_requests import new_provision_request

LEAKED = 999_999
"""An oid without a database."""

DAMAGED = ["", "\n", "garbage\n", "-5\n", "0\n", f"{10**30}\n", "\udcff\n"]


async def test_a_lock_file_that_is_stale_or_damaged_does_not_prevent_a_start(folder: Path) -> None:
    for text in [await _read_lock_file(folder), *DAMAGED]:
        _leave_lock_file(folder, text)
        await _start_and_stop(folder)


async def test_another_program_with_the_old_process_id_keeps_running(folder: Path) -> None:
    text = await _read_lock_file(folder)
    async with _run_sleep(user=_owner(data_folder_in(folder))) as other:
        _leave_lock_file(folder, f"{other.pid}\n{text.partition(chr(10))[2]}")
        await _start_and_stop(folder)
        assert other.returncode is None


async def test_an_incomplete_database_is_removed_and_complete_ones_stay(folder: Path) -> None:
    async with open_server(folder) as provider:
        connection = await provider.provision(new_provision_request())
        await write_note(connection, "kept")
    base = data_folder_in(folder) / "base"
    complete = {each.name for each in base.iterdir()}
    leaked = base / str(LEAKED)
    leaked.mkdir()
    (leaked / "PG_VERSION").write_text("18\n")

    events = Events()
    async with open_server(folder, events=events):
        assert {each.name for each in base.iterdir()} == complete
        assert await read_notes(connection) == ["kept"]
    (removed,) = events.fields("postgres.removed_incomplete_database")
    assert removed["oid"] == LEAKED


async def test_a_start_recovers_from_an_interrupted_initdb(new_folder: Path) -> None:
    """An empty folder in place of the data is used."""
    data_folder_in(new_folder).mkdir(parents=True)
    for name in ("data.new", "data.new-of-another"):
        unfinished = new_folder / "embedded" / name
        (unfinished / "base").mkdir(parents=True)
        (unfinished / "PG_VERSION").write_text("18\n")
    await _start_and_stop(new_folder)
    assert not list((new_folder / "embedded").glob("data.new*"))


async def test_foreign_files_in_place_of_the_data_are_kept_and_reported(new_folder: Path) -> None:
    data_folder_in(new_folder).mkdir(parents=True)
    foreign_file = data_folder_in(new_folder) / "thesis.txt"
    foreign_file.write_text("thesis")
    with pytest.raises(
        StartupError,
        match=f"{data_folder_in(new_folder)} contains files that are not.*move it away",
    ):
        await _start_and_stop(new_folder)
    assert foreign_file.read_text() == "thesis"


async def _start_and_stop(folder: Path) -> None:
    async with open_server(folder) as provider:
        await provider.ping()


async def _read_lock_file(folder: Path) -> str:
    """Return the text of the lock file of a server that runs in the folder."""
    async with open_server(folder):
        return (data_folder_in(folder) / "postmaster.pid").read_text()


@asynccontextmanager
async def _run_sleep(user: int | None) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a process of another program."""
    process = await asyncio.create_subprocess_exec("sleep", "1000", user=user)
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


def _leave_lock_file(folder: Path, text: str) -> None:
    lock_file = data_folder_in(folder) / "postmaster.pid"
    lock_file.write_bytes(text.encode(errors="surrogateescape"))
    owner = data_folder_in(folder).stat()
    os.chown(lock_file, owner.st_uid, owner.st_gid)
    lock_file.chmod(0o600)


def _owner(path: Path) -> int | None:
    """Return the user to run a program as, so that PostgreSQL may take it for a server."""
    return path.stat().st_uid if os.geteuid() == 0 else None
