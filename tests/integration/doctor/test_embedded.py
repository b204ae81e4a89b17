"""Doctor checks of the bundled server's folder, with and without a running server; they change
nothing."""

import socket
from pathlib import Path

import pytest

from tests.support.doctor import FAIL, WARN, run_embedded_checks, select_not_ok
from tests.support.embedded_servers import open_server
from tests.support.provision_requests import new_provision_request
from tests.support.servers import ram_folder

CHECKS_WITHOUT_SERVER = ["programs", "system user", "server's data", "disk space", "port"]


async def test_a_missing_folder_passes_and_is_not_created() -> None:
    with ram_folder() as folder:
        found = await run_embedded_checks(folder / "data")

        assert select_not_ok(found) == {}
        assert [*found] == CHECKS_WITHOUT_SERVER
        assert [*folder.iterdir()] == []


async def test_a_running_server_is_checked_and_a_stopped_one_stays_stopped() -> None:
    provision_request = new_provision_request()
    with ram_folder() as folder:
        async with open_server(folder) as provider:
            await provider.provision(provision_request)
            running = await run_embedded_checks(folder)
            await provider.delete(provision_request.tenant)
        before = _contents(folder)
        stopped = await run_embedded_checks(folder)
        assert _contents(folder) == before

    assert select_not_ok(running) == select_not_ok(stopped) == {}
    assert running["marks"].detail.startswith("1 database of this pgvend")
    assert str(provider.server.public_port) in running["port"].detail
    assert [*stopped] == CHECKS_WITHOUT_SERVER


async def test_a_port_in_use_or_a_changed_port_is_reported() -> None:
    with ram_folder() as folder:
        async with open_server(folder) as provider:
            port = provider.server.public_port
        with socket.create_server(("127.0.0.1", port)):
            in_use = await run_embedded_checks(folder)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            new = listener.getsockname()[1]
        other = await run_embedded_checks(folder, new)

    assert (select_not_ok(in_use), select_not_ok(other)) == ({"port": FAIL}, {"port": WARN})
    assert "PGVEND_EMBEDDED_PORT" in in_use["port"].detail
    assert str(port) in other["port"].detail


@pytest.mark.parametrize("version", ["14", "18beta"])
async def test_data_of_an_unsupported_version_is_reported(version: str) -> None:
    with ram_folder() as folder:
        data = folder / "embedded" / "data"
        data.mkdir(parents=True)
        (data / "PG_VERSION").write_text(f"{version}\n")
        found = await run_embedded_checks(folder)

    assert found["programs"].verdict is FAIL
    assert version in found["programs"].detail


def _contents(folder: Path) -> dict[str, tuple[float, int]]:
    """Return each file's modification time and size."""
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file): (file.stat().st_mtime, file.stat().st_size) for file in files}
