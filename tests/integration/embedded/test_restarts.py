"""The service is stopped or killed and started again; two services use the same folder."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psutil
import pytest

from adapters.driver.connector import connect
from adapters.embedded.cluster import PORTS
from adapters.embedded.listen_addresses import is_free
from domain.errors import StartupError
from tests.support.embedded_servers import data_folder_in, open_server, read_notes, write_note
from tests.support.legacy_clients import create_by_legacy_route, is_listening, superuser_login
from tests.support.polling import wait_until
from tests.support.provision_requests import new_provision_request
from tests.support.servers import ram_folder
from tests.support.service import (
    NotStarted,
    list_servers_in,
    running_service,
    starting_service,
)

WITHOUT_SETPRIV = "/nonexistent"
"""A PATH without setpriv: the server then outlives the service."""


async def test_a_killed_service_finds_its_data_at_the_next_start(folder: Path) -> None:
    """It replaces the server that outlived it."""
    async with running_service(folder, PATH=WITHOUT_SETPRIV) as service:
        connection = await create_by_legacy_route(service.url, "Kept")
        await write_note(connection, "before")
        (old,) = list_servers_in(folder)
        await service.kill()
        assert list_servers_in(folder) == [old]

        async with running_service(folder, PATH=WITHOUT_SETPRIV) as again:
            await write_note(connection, "after")
            assert await read_notes(connection) == ["before", "after"]
            assert (await create_by_legacy_route(again.url, "Other")).port == connection.port
            (new,) = list_servers_in(folder)
            assert new.pid != old.pid
            assert not old.is_running() or old.status() == psutil.STATUS_ZOMBIE


async def test_ctrl_c_lets_a_creation_finish_before_the_server_stops(folder: Path) -> None:
    """The configured port is kept."""
    configured = _find_free_port()
    async with running_service(folder, PGVEND_EMBEDDED_PORT=str(configured)) as service:
        superuser = await connect(**superuser_login(folder))
        async with superuser.transaction():
            await superuser.execute("LOCK TABLE pg_authid IN SHARE MODE")
            creating = asyncio.create_task(create_by_legacy_route(service.url, "Slow"))
            waiting = "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted"
            await wait_until(partial(superuser.fetchval, waiting))
            os.killpg(service.process.pid, signal.SIGINT)
            await wait_until(lambda: _refuses_connections(service.url))
            assert not creating.done()
        await superuser.close()
        connection = await creating
        assert await service.process.wait() == 0
        assert list_servers_in(folder) == []
        assert not (data_folder_in(folder) / "postmaster.pid").exists()
    assert connection.port == configured
    async with open_server(folder):
        await write_note(connection, "works")
        assert "not properly shut down" not in (folder / "embedded" / "postgres.log").read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
async def test_a_service_ended_while_it_starts_leaves_no_obstacle(
    new_folder: Path, number: signal.Signals
) -> None:
    """During initdb, or while the new server starts."""
    for within in (0.1, 0.5):
        folder = new_folder / str(within)
        async with starting_service(folder) as service:
            await wait_until((folder / "embedded" / "lock").exists)
            await service.exits(within=within)
            await service.send_signal_and_wait(number)
            assert "Traceback" not in service.output()
            await wait_until(partial(_is_empty, folder))
        async with open_server(folder) as provider:
            await provider.ping()


def _is_empty(folder: Path) -> bool:
    return not list_servers_in(folder)


async def test_a_second_service_needs_another_folder(
    folder: Path, copy_used_data: Callable[[Path], Path]
) -> None:
    link = folder / "link"
    link.symlink_to(folder)
    async with running_service(link) as first:
        connection = await create_by_legacy_route(first.url, "Same")
        await write_note(connection, "before")

        with pytest.raises(NotStarted) as refusal:
            async with running_service(folder):
                pass
        assert refusal.value.returncode == 1
        message = str(refusal.value)
        assert "Traceback" not in message
        assert f"The data folder {folder} is in use by another pgvend" in message
        assert "PGVEND_DATA_DIR" in message

        with ram_folder() as other_folder:
            async with open_server(copy_used_data(other_folder)) as second:
                assert second.server.public_port != connection.port
                await write_note(await second.provision(new_provision_request("Same")), "other")
        assert await read_notes(connection) == ["before"]
        await write_note(await create_by_legacy_route(first.url, "Other"), "works")


async def test_the_folder_is_free_after_a_refusal(folder: Path) -> None:
    async with open_server(folder):
        with pytest.raises(StartupError, match="in use"):
            async with open_server(folder):
                pass
        assert len(list_servers_in(folder)) == 1
    async with open_server(folder) as provider:
        await provider.ping()


async def test_a_port_in_use_is_reported_with_a_fix_and_changes_nothing(folder: Path) -> None:
    async with open_server(folder) as provider:
        port = provider.server.public_port
    configured = _find_free_port()
    for taken, port_setting in ((port, None), (configured, configured)):
        with (
            _occupied(taken),
            pytest.raises(StartupError, match=f"Port {taken} .*in use.*PGVEND_EMBEDDED_PORT"),
        ):
            async with open_server(folder, port=port_setting):
                pass
        assert list_servers_in(folder) == []
    async with open_server(folder) as provider:
        assert provider.server.public_port == port


async def _refuses_connections(url: str) -> bool:
    return not await is_listening(url)


@contextmanager
def _occupied(port: int) -> Iterator[None]:
    with socket.create_server(("127.0.0.1", port)):
        yield


def _find_free_port() -> int:
    return next(port for port in reversed(PORTS) if is_free(port))
