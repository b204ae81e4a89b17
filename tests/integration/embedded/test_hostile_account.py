"""Traps that the server's system user sets for root in the folder that it can write to."""

import asyncio
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest

from adapters.driver.connector import connect
from adapters.embedded.account import Account, find_account
from domain.errors import StartupError
from tests.support.command_line import run_pgvend
from tests.support.doctor import run_embedded_checks
from tests.support.embedded_servers import data_folder_in, open_server
from tests.support.legacy_clients import superuser_login
from tests.support.requirements import skip_without

SECRET = "hunter2"

Trap = Callable[[Path, Path], None]
"""A function that puts a trap into the data folder. It refers to a folder of root's."""


def symbolic_link(name: str) -> Trap:
    return lambda data, precious: _remove(data / name).symlink_to(precious / "secret")


def hard_link(name: str) -> Trap:
    """Create a hard link, which not every system forbids."""
    return lambda data, precious: _remove(data / name).hardlink_to(precious / "secret")


def link_to_folder(name: str) -> Trap:
    return lambda data, precious: _remove(data / name).symlink_to(precious)


def pipe(name: str) -> Trap:
    """Create a pipe: a program that opens it blocks."""
    return lambda data, precious: os.mkfifo(_remove(data / name))


def folder(name: str) -> Trap:
    return lambda data, precious: _remove(data / name).mkdir()


FILES = (
    *("postmaster.pid", "PG_VERSION", "postgresql.conf", "postgresql.auto.conf"),
    *("pgvend.conf", "pgvend.conf.new", "pg_hba.conf", ".s.PGSQL.1"),
)

FILES_THAT_PGVEND_READS = ("postmaster.pid", "PG_VERSION", "postgresql.conf")

TRAPS: dict[str, Trap] = {
    f"{kind.__name__} {name}": kind(name)
    for kind, names in {
        symbolic_link: FILES,
        hard_link: FILES_THAT_PGVEND_READS,
        pipe: FILES_THAT_PGVEND_READS,
        folder: ("postmaster.pid", "pgvend.conf.new"),
        link_to_folder: ("base", "extension"),
    }.items()
    for name in names
}


@pytest.fixture
def precious(new_folder: Path) -> Path:
    """A folder of root's whose files resemble those of a server and a database."""
    if os.geteuid() != 0:
        skip_without("root, who runs the server as another user")
    precious = new_folder / "precious"
    (precious / "99999").mkdir(parents=True)
    (precious / "99999" / "PG_VERSION").write_text("18\n")
    (precious / "secret").write_text(f"{os.getpid()}\n{SECRET}\n")
    for path in (precious, *precious.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return precious


@pytest.mark.parametrize("name", TRAPS)
async def test_traps_of_the_account_are_not_followed(
    new_folder: Path, copy_used_data: Callable[[Path], Path], precious: Path, name: str
) -> None:
    """Neither by a start, nor a stop, nor the doctor. A damaged folder may be refused."""
    data = data_folder_in(copy_used_data(new_folder / "service"))
    before = _describe(precious)
    TRAPS[name](data, precious)

    async with asyncio.timeout(60):
        with suppress(StartupError):
            async with open_server(new_folder / "service"):
                pass
        checks = await run_embedded_checks(new_folder / "service")

    assert _describe(precious) == before
    assert SECRET not in _read_owned_files(data)
    assert SECRET not in str(checks)


async def test_another_users_server_behind_the_socket_is_refused(folder: Path) -> None:
    if os.geteuid() != 0:
        skip_without("root, who runs the server as another user")
    async with open_server(folder):
        login, account = superuser_login(folder), find_account()
        assert account
        session = await connect(**login, server_user=account.uid)
        await session.close()
        with pytest.raises(
            asyncpg.InvalidAuthorizationSpecificationError, match="another system user"
        ):
            await connect(**login, server_user=account.uid + 1)


PROGRAM = """#!/bin/sh
id -u > {seen}
echo 'postgres (PostgreSQL) 18.6'
"""


@pytest.mark.usefixtures("precious")
async def test_programs_of_others_are_not_run_as_root(new_folder: Path) -> None:
    account = find_account()
    assert account
    programs = _create_programs(new_folder, account)

    service = {"PGVEND_DATA_DIR": str(new_folder / "service")}
    await run_pgvend("doctor", PGVEND_EMBEDDED_PROGRAMS=str(programs), **service)

    assert (programs / "seen").read_text() == f"{account.uid}\n"


def _create_programs(above: Path, account: Account) -> Path:
    """Programs that the account can change."""
    above.chmod(0o711)
    programs = above / "programs"
    programs.mkdir()
    os.chown(programs, account.uid, account.gid)
    for name in ("initdb", "postgres"):
        (programs / name).write_text(PROGRAM.format(seen=programs / "seen"))
        (programs / name).chmod(0o755)
    return programs


async def test_a_folder_that_the_account_could_replace_is_refused(
    new_folder: Path, copy_used_data: Callable[[Path], Path], precious: Path
) -> None:
    above = new_folder / "above"
    above.mkdir()
    copy_used_data(above / "service")
    account = find_account()
    assert account
    os.chown(above, account.uid, account.gid)

    with pytest.raises(StartupError, match=f"can change {above}, which root relies on"):
        async with open_server(above / "service"):
            pass
    assert f"can change {above}" in str(await run_embedded_checks(above / "service"))


def _remove(path: Path) -> Path:
    """Remove what is at the path, and return the path."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    return path


def _describe(precious: Path) -> list[object]:
    found: list[object] = []
    for path in (precious, *sorted(precious.rglob("*"))):
        stat = path.lstat()
        text = path.read_text() if path.is_file() else ""
        found.append((path, stat.st_mode, stat.st_uid, stat.st_gid, text))
    return found


def _read_owned_files(data: Path) -> str:
    """Return the text of all files that the account owns."""
    owner = data.stat().st_uid
    files = [path for path in data.rglob("*") if path.is_file() and not path.is_symlink()]
    return "".join(
        path.read_text(errors="replace") for path in files if path.stat().st_uid == owner
    )
