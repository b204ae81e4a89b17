"""Two services, or a service and another program, want the same."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from adapters.embedded.cluster import PORTS, is_free
from domain.errors import StartupError
from tests.support.bundles import keep_note, notes, opened
from tests.support.callers import vend
from tests.support.servers import ram_folder
from tests.support.service import NotStarted, running_service, servers_in


async def test_a_second_service_runs_beside_the_first_but_not_on_its_folder(
    folder: Path, used: Callable[[Path], Path]
) -> None:
    link = folder / "link"
    link.symlink_to(folder)
    async with running_service(link) as first:
        connection = await vend(first.url, "Same")
        await keep_note(connection, "before")

        with pytest.raises(NotStarted) as refusal:
            async with running_service(folder):
                pass
        assert refusal.value.returncode == 1
        told = str(refusal.value)
        assert "Traceback" not in told
        assert f"The data folder {folder} is in use by another pgvend" in told
        assert "PGVEND_DATA_DIR" in told

        with ram_folder() as other_folder:
            async with running_service(used(other_folder)) as second:
                other = await vend(second.url, "Same")
                await keep_note(other, "other")
                assert other.port != connection.port
        assert await notes(connection) == ["before"]
        await keep_note(await vend(first.url, "Other"), "works")


async def test_the_folder_is_free_again_after_a_refusal(folder: Path) -> None:
    async with opened(folder):
        with pytest.raises(StartupError, match="in use"):
            async with opened(folder):
                pass
        assert len(servers_in(folder)) == 1
    async with opened(folder) as provider:
        await provider.ping()


async def test_a_taken_port_is_told_with_its_mend_and_changes_nothing(folder: Path) -> None:
    async with opened(folder) as provider:
        port = provider.server.public_port
    wished = _free_port()
    for taken, wish in ((port, None), (wished, wished)):
        with (
            _taken(taken),
            pytest.raises(StartupError, match=f"Port {taken} .*taken.*PGVEND_EMBEDDED_PORT"),
        ):
            async with opened(folder, port=wish):
                pass
        assert servers_in(folder) == []
    async with opened(folder) as provider:
        assert provider.server.public_port == port


async def test_a_wished_port_is_taken_and_kept(folder: Path) -> None:
    wished = _free_port()
    async with running_service(folder, PGVEND_EMBEDDED_PORT=str(wished)) as service:
        connection = await vend(service.url, "Wished")
        assert connection.port == wished
        await service.stop()
    async with opened(folder):
        await keep_note(connection, "still there")


@contextmanager
def _taken(port: int) -> Iterator[None]:
    with socket.create_server(("127.0.0.1", port)):
        yield


def _free_port() -> int:
    return next(port for port in reversed(PORTS) if is_free(port))
