"""Data folders with unusual names, and what of them others may read."""

import os
import stat
from pathlib import Path

import pytest

from tests.support.bundles import data_of, keep_note, notes, opened
from tests.support.callers import vend
from tests.support.needs import lacking
from tests.support.orders import new_order
from tests.support.servers import ram_folder
from tests.support.service import NotStarted, running_service, servers_in

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
async def test_the_folders_name_does_not_matter(name: str) -> None:
    with ram_folder() as parent:
        folder = parent / name
        async with opened(folder) as provider:
            connection = await provider.provision(new_order())
            await keep_note(connection, "kept")
        async with opened(folder) as provider:
            assert await notes(connection) == ["kept"]
            await provider.ping()


async def test_a_folder_may_be_moved() -> None:
    with ram_folder() as parent:
        async with opened(parent / "old") as provider:
            connection = await provider.provision(new_order())
            await keep_note(connection, "kept")
        (parent / "old").rename(parent / "new")
        async with opened(parent / "new"):
            assert await notes(connection) == ["kept"]


async def test_a_folder_may_be_reached_by_a_link() -> None:
    with ram_folder() as parent:
        (parent / "real").mkdir()
        (parent / "link").symlink_to(parent / "real")
        async with running_service(parent / "link") as service:
            await keep_note(await vend(service.url, "Linked"), "works")
            with pytest.raises(NotStarted, match="in use by another pgvend"):
                async with running_service(parent / "real"):
                    pass


async def test_nothing_in_the_folder_is_for_others() -> None:
    with ram_folder() as parent:
        parent.chmod(0o755)
        folder = parent / "data"
        async with running_service(folder) as service:
            await vend(service.url, "Private")
            assert _mode(folder) == 0o700
            assert _mode(folder / "secret") == 0o600
            assert _mode(folder / "embedded") == 0o700
            assert _mode(folder / "embedded" / "postgres.log") == 0o600
            assert [path for path in _inside(data_of(folder)) if _mode(path) & 0o077] == []


async def test_a_folder_that_was_open_is_closed() -> None:
    with ram_folder() as parent:
        folder = parent / "data"
        folder.mkdir(mode=0o755)
        async with running_service(folder):
            assert _mode(folder) == 0o700


async def test_a_folder_that_cannot_be_made_is_told() -> None:
    with ram_folder() as parent:
        (parent / "file").write_text("in the way")
        for folder in (parent / "file", parent / "file" / "below"):
            with pytest.raises(NotStarted, match=r"data folder .* cannot be used.*PGVEND_DATA_DIR"):
                async with running_service(folder):
                    pass


async def test_a_folder_of_another_user_is_told() -> None:
    if os.geteuid() != 0:
        lacking("root, to give a folder away")
    with ram_folder() as folder:
        async with opened(folder):
            pass
        for path in (data_of(folder), *_inside(data_of(folder))):
            os.chown(path, 12_345, 12_345)
        with pytest.raises(NotStarted, match=r"belongs to user id 12345.*chown") as refusal:
            async with running_service(folder):
                pass
        assert "Traceback" not in str(refusal.value)
        assert servers_in(folder) == []


def _inside(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if not path.is_socket()]


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
