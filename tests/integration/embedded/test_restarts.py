"""The service goes, gently or not, and comes back to its data."""

import asyncio
import os
import signal
from functools import partial
from pathlib import Path

import asyncpg
import psutil
import pytest

from tests.support.bundles import data_of, keep_note, notes, until
from tests.support.callers import is_listening, superuser_of, vend
from tests.support.servers import ram_folder
from tests.support.service import RunningService, running_service, servers_in, starting_service

WITHOUT_SETPRIV = "/nonexistent"
"""A PATH, and a system that does not end the server with its service."""


@pytest.mark.parametrize("path", [os.defpath, WITHOUT_SETPRIV])
async def test_a_killed_service_finds_its_data_again(path: str) -> None:
    with ram_folder() as folder:
        async with running_service(folder, PATH=path) as service:
            connection = await vend(service.url, "Kept")
            await keep_note(connection, "before")
            await service.kill()

            async with running_service(folder, PATH=path) as again:
                await keep_note(connection, "after")
                assert await notes(connection) == ["before", "after"]
                assert (await vend(again.url, "Other")).port == connection.port
                assert len(servers_in(folder)) == 1


async def test_the_server_ends_with_a_killed_service() -> None:
    with ram_folder() as folder:
        async with running_service(folder) as service:
            await service.kill()
            await until(lambda: not servers_in(folder))


async def test_a_server_that_outlived_its_service_is_replaced() -> None:
    with ram_folder() as folder:
        async with running_service(folder, PATH=WITHOUT_SETPRIV) as service:
            await service.kill()
            (old,) = servers_in(folder)
            async with running_service(folder, PATH=WITHOUT_SETPRIV):
                (new,) = servers_in(folder)
                assert new.pid != old.pid
                assert not old.is_running() or old.status() == psutil.STATUS_ZOMBIE


async def test_a_stopped_service_leaves_nothing_running() -> None:
    with ram_folder() as folder:
        async with running_service(folder) as service:
            connection = await vend(service.url, "Kept")
            await keep_note(connection, "before")
            assert await service.stop() == 0
            assert servers_in(folder) == []
            assert not (data_of(folder) / "postmaster.pid").exists()
        async with running_service(folder):
            assert await notes(connection) == ["before"]
            assert "not properly shut down" not in _server_log(folder)


async def test_ctrl_c_lets_a_running_vend_finish_before_the_server_stops() -> None:
    with ram_folder() as folder:
        async with running_service(folder) as service:
            superuser = await asyncpg.connect(**superuser_of(folder))
            async with superuser.transaction():
                await superuser.execute("LOCK TABLE pg_authid IN SHARE MODE")
                vending = asyncio.create_task(vend(service.url, "Slow"))
                await _held_up(superuser)
                os.killpg(service.process.pid, signal.SIGINT)
                await _deaf(service)
                assert not vending.done()
            await superuser.close()
            connection = await vending
            assert await service.process.wait() == 0
            assert servers_in(folder) == []
        async with running_service(folder):
            await keep_note(connection, "works")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
async def test_a_service_ended_while_it_starts_leaves_nothing_in_the_way(
    number: signal.Signals,
) -> None:
    with ram_folder() as parent:
        for tenths in (0, 2, 5):
            folder = parent / str(tenths)
            async with starting_service(folder) as service:
                await until((folder / "embedded" / "lock").exists)
                await service.ended(within=tenths / 10)
                await service.signalled(number)
                assert "Traceback" not in service.output()
                await until(partial(_is_empty, folder))
            async with running_service(folder) as service:
                await keep_note(await vend(service.url, "Works"), "works")


def _is_empty(data_dir: Path) -> bool:
    return not servers_in(data_dir)


async def _held_up(superuser: asyncpg.Connection) -> None:
    """Somebody waits for a lock."""
    query = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    async with asyncio.timeout(60):
        while not await superuser.fetchval(query):  # noqa: ASYNC110 - nothing tells us
            await asyncio.sleep(0.01)


async def _deaf(service: RunningService) -> None:
    """The service takes no new callers: it has understood."""
    async with asyncio.timeout(60):
        while await is_listening(service.url):  # noqa: ASYNC110 - nothing tells us
            await asyncio.sleep(0.01)


def _server_log(data_dir: Path) -> str:
    return (data_dir / "embedded" / "postgres.log").read_text()
