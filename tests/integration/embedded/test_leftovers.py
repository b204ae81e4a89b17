"""What crashes leave in the data folder, and how the next start copes."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from domain.errors import StartupError
from tests.support.bundles import Events, data_of, keep_note, notes, opened
from tests.support.orders import new_order
from tests.support.servers import ram_folder
from tests.support.service import servers_in

LEAKED = 999_999
"""The number of no database."""

DAMAGED = ["", "\n", "garbage\n", "-5\n", "0\n", f"{10**30}\n", "\udcff\n"]


@pytest.mark.parametrize("text", DAMAGED)
async def test_a_damaged_lock_file_of_the_server_is_no_obstacle(text: str) -> None:
    with ram_folder() as folder:
        async with opened(folder):
            pass
        _leave_lock_file(folder, text)
        async with opened(folder) as provider:
            await provider.ping()


async def test_a_lock_file_of_a_dead_server_is_no_obstacle() -> None:
    with ram_folder() as folder:
        async with opened(folder):
            text = (data_of(folder) / "postmaster.pid").read_text()
        _leave_lock_file(folder, text)
        async with opened(folder) as provider:
            await provider.ping()


async def test_another_program_with_the_old_servers_number_is_left_alone() -> None:
    with ram_folder() as folder:
        async with opened(folder):
            text = (data_of(folder) / "postmaster.pid").read_text()
        async with _sleeping("sleep", user=_owner(data_of(folder))) as other:
            _leave_lock_file(folder, f"{other.pid}\n{text.partition(chr(10))[2]}")
            async with opened(folder) as provider:
                await provider.ping()
                assert other.returncode is None


async def test_another_folders_server_with_the_old_ones_number_is_left_alone() -> None:
    with ram_folder() as folder, ram_folder() as other_folder:
        async with opened(folder):
            text = (data_of(folder) / "postmaster.pid").read_text()
        async with opened(other_folder) as other:
            (server,) = servers_in(other_folder)
            _leave_lock_file(folder, f"{server.pid}\n{text.partition(chr(10))[2]}")
            async with opened(folder) as provider:
                await provider.ping()
            await other.ping()
            assert [each.pid for each in servers_in(other_folder)] == [server.pid]


async def test_a_half_made_database_is_removed_and_whole_ones_stay() -> None:
    with ram_folder() as folder:
        async with opened(folder) as provider:
            connection = await provider.provision(new_order())
            await keep_note(connection, "kept")
        base = data_of(folder) / "base"
        whole = {each.name for each in base.iterdir()}
        leaked = base / str(LEAKED)
        leaked.mkdir()
        (leaked / "PG_VERSION").write_text("18\n")

        events = Events()
        async with opened(folder, events=events):
            assert {each.name for each in base.iterdir()} == whole
            assert await notes(connection) == ["kept"]
        (removed,) = events.fields("postgres.removed_half_made_database")
        assert removed["oid"] == LEAKED


async def test_an_interrupted_initdb_is_made_good() -> None:
    with ram_folder() as folder:
        for left in ("data.new", "data.new-of-another"):
            unfinished = folder / "embedded" / left
            (unfinished / "base").mkdir(parents=True)
            (unfinished / "PG_VERSION").write_text("18\n")
        async with opened(folder) as provider:
            await provider.ping()
        assert not list((folder / "embedded").glob("data.new*"))


async def test_an_empty_folder_in_the_datas_place_is_taken() -> None:
    with ram_folder() as folder:
        data_of(folder).mkdir(parents=True)
        async with opened(folder) as provider:
            await provider.ping()


async def test_somebodys_files_in_the_datas_place_are_kept_and_told() -> None:
    with ram_folder() as folder:
        data_of(folder).mkdir(parents=True)
        theirs = data_of(folder) / "thesis.txt"
        theirs.write_text("theirs")
        with pytest.raises(StartupError, match=f"{data_of(folder)} is not empty.*move it away"):
            async with opened(folder):
                pass
        assert theirs.read_text() == "theirs"


@pytest.mark.parametrize("text", ["", "garbage", "0", "65536", "5432.5", "-5432"])
async def test_a_damaged_port_is_told_and_not_replaced(text: str) -> None:
    """Credentials that were handed out name it."""
    with ram_folder() as folder:
        async with opened(folder) as provider:
            port = provider.server.public_port
        kept = folder / "embedded" / "port"
        kept.write_text(text)
        with pytest.raises(StartupError, match=r"damaged.*PGVEND_EMBEDDED_PORT"):
            async with opened(folder):
                pass
        async with opened(folder, port=port) as provider:
            await provider.ping()
        assert kept.read_text() == f"{port}\n"


async def test_a_session_that_outlived_its_server_is_ended() -> None:
    """The server of a killed service that was killed too, amid a tenant's work."""
    with ram_folder() as folder:
        async with opened(folder):
            pass
        named_like_it = folder / "postgres"
        shutil.copy("/usr/bin/sleep", named_like_it)
        async with (
            _sleeping(named_like_it, cwd=data_of(folder)) as stray,
            opened(folder) as provider,
        ):
            await provider.ping()
            assert await stray.wait() != 0


async def test_somebody_who_looks_around_in_the_folder_is_left_alone() -> None:
    with ram_folder() as folder:
        async with opened(folder):
            pass
        async with _sleeping("sleep", cwd=data_of(folder)) as other, opened(folder) as provider:
            await provider.ping()
            assert other.returncode is None


@asynccontextmanager
async def _sleeping(
    program: Path | str, *, cwd: Path | None = None, user: int | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A foreign process."""
    process = await asyncio.create_subprocess_exec(program, "1000", cwd=cwd, user=user)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _leave_lock_file(folder: Path, text: str) -> None:
    lock_file = data_of(folder) / "postmaster.pid"
    lock_file.write_bytes(text.encode(errors="surrogateescape"))
    owner = data_of(folder).stat()
    os.chown(lock_file, owner.st_uid, owner.st_gid)
    lock_file.chmod(0o600)


def _owner(path: Path) -> int | None:
    """For a program of the server's system user: one that PostgreSQL may take for a server."""
    return path.stat().st_uid if os.geteuid() == 0 else None
