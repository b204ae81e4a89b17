"""The bundled server's folder is looked at, with a server in it or without, and stays as it is."""

import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from adapters.embedded.examining import EmbeddedExamination
from adapters.embedded.opening import Bundle
from adapters.postgres.examining.marks import Known
from adapters.system.clock import SystemClock
from domain.checkup import Outcome
from tests.support.bundles import opened
from tests.support.checkups import FAIL, KNOWN, WARN, not_ok, outcomes
from tests.support.orders import new_order
from tests.support.servers import ram_folder

BEFORE_START = ["programs", "system user", "server's data", "room", "port"]


async def test_a_new_folder_is_well_and_stays_missing() -> None:
    with ram_folder() as folder:
        found = await _examined(folder / "data")

        assert not_ok(found) == {}
        assert [*found] == BEFORE_START
        assert [*folder.iterdir()] == []


async def test_a_server_that_runs_is_asked_and_goes_on() -> None:
    order = new_order()
    with ram_folder() as folder:
        async with opened(folder) as provider:
            await provider.provision(order)
            found = await _examined(folder)
            await provider.retire(order.tenant)

    assert not_ok(found) == {}
    assert found["marks"].detail.startswith("1 database of ours")
    assert str(provider.server.public_port) in found["port"].detail


async def test_a_server_at_rest_is_left_at_rest() -> None:
    with ram_folder() as folder:
        async with opened(folder):
            pass
        before = _contents(folder)
        found = await _examined(folder)

        assert not_ok(found) == {}
        assert [*found] == BEFORE_START
        assert _contents(folder) == before


async def test_a_port_that_was_taken_since_is_told() -> None:
    with ram_folder() as folder:
        async with opened(folder) as provider:
            port = provider.server.public_port
        with socket.create_server(("127.0.0.1", port)):
            found = await _examined(folder)

    assert not_ok(found) == {"port": FAIL}
    assert "PGVEND_EMBEDDED_PORT" in found["port"].detail


async def test_a_port_that_is_not_the_one_handed_out_is_told() -> None:
    with ram_folder() as folder:
        async with opened(folder) as provider:
            old = provider.server.public_port
        with socket.create_server(("127.0.0.1", 0)) as listener:
            new = listener.getsockname()[1]
        found = await _examined(folder, new)

    assert not_ok(found) == {"port": WARN}
    assert str(old) in found["port"].detail


@pytest.mark.parametrize("version", ["14", "18beta"])
async def test_data_that_no_bundled_server_can_read_is_told(version: str) -> None:
    with ram_folder() as folder:
        data = folder / "embedded" / "data"
        data.mkdir(parents=True)
        (data / "PG_VERSION").write_text(f"{version}\n")
        found = await _examined(folder)

    assert found["programs"].verdict is FAIL
    assert version in found["programs"].detail


async def _examined(folder: Path, port: int | None = None) -> Mapping[str, Outcome]:
    async def recall() -> Known:
        return KNOWN

    bundle = Bundle(folder=folder / "embedded", port=port)
    return await outcomes(EmbeddedExamination(bundle=bundle, recall=recall, clock=SystemClock()))


def _contents(folder: Path) -> dict[str, tuple[float, int]]:
    """When each file was changed, and how long it is."""
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file): (file.stat().st_mtime, file.stat().st_size) for file in files}
