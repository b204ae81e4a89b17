"""Cleanup after a killed service or a crashed server."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adapters.embedded.account import Account
from adapters.embedded.cleanup import FIRST_OWN_OID, end_old_server, remove_unknown_databases
from tests.support.requirements import skip_without

PID_FILE = "{}\n/somewhere/data\n1700000000\n23456\n.\n127.0.0.1\n"

Start = Callable[[str, Path], "subprocess.Popen[bytes]"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "base").mkdir(parents=True)
    return folder


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """A function that starts a program under a name and in a folder, until the test ends."""
    started: list[subprocess.Popen[bytes]] = []

    def start_program(name: str, folder: Path) -> "subprocess.Popen[bytes]":
        program = tmp_path / name
        if not program.exists():
            shutil.copy(shutil.which("sleep") or skip_without("sleep"), program)
        started.append(subprocess.Popen([program, "600"], cwd=folder))
        return started[-1]

    yield start_program
    for process in started:
        process.kill()
        process.wait()


def leave_lock_files(data: Path, pid: int) -> None:
    """Leave the files of a server that had no time to clean up."""
    (data / "postmaster.pid").write_text(PID_FILE.format(pid))
    (data / ".s.PGSQL.23456").touch()
    (data / ".s.PGSQL.23456.lock").touch()


def read_pid(data: Path) -> int:
    return int((data / "postmaster.pid").read_text().splitlines()[0])


def test_files_of_unknown_databases_are_removed_and_the_servers_own_stay(data: Path) -> None:
    own = {1, 4, 5, FIRST_OWN_OID - 1}
    for oid in own | {FIRST_OWN_OID, 20_000, 20_001, 20_002}:
        (data / "base" / str(oid)).mkdir()
        (data / "base" / str(oid) / "PG_VERSION").write_text("18\n")
    (data / "base" / "pgsql_tmp").mkdir()

    assert remove_unknown_databases(data, {20_001}) == [FIRST_OWN_OID, 20_000, 20_002]
    kept = {str(oid) for oid in own | {20_001}} | {"pgsql_tmp"}
    assert {path.name for path in (data / "base").iterdir()} == kept
    assert remove_unknown_databases(data, {20_001}) == []


@pytest.mark.parametrize("link", [Path.symlink_to, Path.hardlink_to])
def test_a_file_that_the_account_cannot_read_is_not_copied_for_it(
    data: Path, tmp_path: Path, start: Start, link: Callable[[Path, Path], None]
) -> None:
    """Through a lock file that links to root's file, which starts like a lock file."""
    if os.geteuid() != 0:
        skip_without("root, to give files to the server's account")
    secret = tmp_path / "secret"
    secret.write_text(f"{start('an-editor', tmp_path).pid}\nwhat only root may read\n")
    link(data / "postmaster.pid", secret)

    end_old_server(data, Account(uid=65534, gid=65534))

    assert not os.path.lexists(data / "postmaster.pid")
    assert secret.stat().st_uid == 0


def test_nothing_is_removed_behind_a_link(data: Path, tmp_path: Path) -> None:
    """Otherwise root would empty another server's folder."""
    others = tmp_path / "others"
    (others / "20000" / "precious").mkdir(parents=True)
    (data / "base" / "20000").symlink_to(others / "20000")
    with pytest.raises(OSError, match="symbolic link"):
        remove_unknown_databases(data, set())
    shutil.rmtree(data / "base")
    (data / "base").symlink_to(others)
    with pytest.raises(OSError, match="base"):
        remove_unknown_databases(data, set())

    assert (others / "20000" / "precious").exists()


def test_a_clean_folder_stays_as_it_is(data: Path) -> None:
    end_old_server(data, None)
    assert os.listdir(data) == ["base"]


def test_a_session_that_outlived_its_server_is_ended(data: Path, start: Start) -> None:
    """Otherwise it would keep a new server from starting."""
    server, session = start("postgres", data), start("postgres", data)
    server.kill()
    server.wait()
    leave_lock_files(data, server.pid)

    end_old_server(data, None)

    assert session.poll() is not None


@pytest.mark.parametrize(
    ("name", "folder"), [("postgres", ".."), ("an-editor", "."), ("a-stranger", "..")]
)
def test_another_server_or_program_with_the_process_id_keeps_running(
    data: Path, start: Start, name: str, folder: str
) -> None:
    """The program is an operator's shell or a server of another folder. PostgreSQL would take it
    for this folder's server, and refuse to start."""
    program = start(name, data / folder)
    leave_lock_files(data, program.pid)

    end_old_server(data, None)

    assert program.poll() is None
    assert read_pid(data) == os.getpid()
    rest = (data / "postmaster.pid").read_text().splitlines()[1:]
    assert rest == PID_FILE.splitlines()[1:], "PostgreSQL needs it to find the old server's memory"
    assert list(data.glob(".s.PGSQL.*")) == []


def test_an_unused_process_id_stays_in_the_lock_file(data: Path, start: Start) -> None:
    ended = start("postgres", data)
    ended.send_signal(signal.SIGKILL)
    ended.wait()
    leave_lock_files(data, ended.pid)
    end_old_server(data, None)
    assert read_pid(data) == ended.pid
