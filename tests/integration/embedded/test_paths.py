"""Data folders with unusual names, and the permissions of their files."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from domain.errors import StartupError
from tests.support.embedded_servers import data_folder_in, open_server, read_notes, write_note
from tests.support.legacy_clients import create_by_legacy_route
from tests.support.provision_requests import new_provision_request
from tests.support.requirements import skip_without
from tests.support.service import NotStarted, list_servers_in, running_service

TOO_LONG_FOR_A_SOCKET = "/".join(40 * "d" for _ in range(5))

NAMES = {
    "spaces": "my data  folder ",
    "quotes": 'it\'s "quoted" `here`',
    "non-ASCII": "Größe-数据-🐘",
    "what shells and DSNs read": "a,b;c&d$HOME%20#x?y=z:1@h\\n",
    "a leading dash": "-D",
    "a line break": "two\nlines",
    "too long for a socket": TOO_LONG_FOR_A_SOCKET,
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
async def test_the_data_folder_can_have_any_name(
    new_folder: Path, copy_used_data: Callable[[Path], Path], name: str
) -> None:
    folder = new_folder / "old"
    async with open_server(copy_used_data(folder)) as provider:
        connection = await provider.provision(new_provision_request())
        await write_note(connection, "kept")
    (new_folder / name).parent.mkdir(parents=True, exist_ok=True)
    new_name = folder.rename(new_folder / name)
    async with open_server(new_name) as provider:
        assert await read_notes(connection) == ["kept"]
        await provider.ping()


async def test_a_new_server_is_created_in_a_folder_of_any_name(new_folder: Path) -> None:
    async with open_server(new_folder / TOO_LONG_FOR_A_SOCKET / "two\nlines 'of' -🐘") as provider:
        await provider.ping()


async def test_other_users_can_read_no_file_in_the_folder(new_folder: Path) -> None:
    """Not even if the folder existed with permissions for others."""
    folder = new_folder / "data"
    folder.mkdir(mode=0o755)
    async with running_service(folder) as service:
        await create_by_legacy_route(service.url, "Private")
        assert _mode(folder) == 0o700
        assert _mode(folder / "secret") == 0o600
        assert _mode(folder / "embedded") == 0o700
        assert _mode(folder / "embedded" / "postgres.log") == 0o600
        assert [path for path in _inside(data_folder_in(folder)) if _mode(path) & 0o077] == []


async def test_a_folder_that_cannot_be_created_is_reported(new_folder: Path) -> None:
    (new_folder / "file").write_text("in the way")
    with pytest.raises(NotStarted, match=r"data folder .* cannot be used.*PGVEND_DATA_DIR"):
        async with running_service(new_folder / "file"):
            pass
    with pytest.raises(StartupError, match=r"data folder .* cannot be used.*PGVEND_DATA_DIR"):
        async with open_server(new_folder / "file" / "below"):
            pass


async def test_a_folder_of_another_user_is_reported(folder: Path) -> None:
    if os.geteuid() != 0:
        skip_without("root, to give a folder away")
    for path in (data_folder_in(folder), *_inside(data_folder_in(folder))):
        os.chown(path, 12_345, 12_345)
    with pytest.raises(StartupError, match=r"belongs to user id 12345.*chown"):
        async with open_server(folder):
            pass
    assert list_servers_in(folder) == []


def _inside(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if not path.is_socket()]


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
