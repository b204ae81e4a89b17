"""Cleanup after a killed service or a crashed server."""

import os
import re
import shutil
import signal
from collections.abc import Set
from contextlib import suppress
from pathlib import Path

import psutil

from adapters.embedded.account import Account
from adapters.embedded.files import open_folder, read_file, write_file

FIRST_OWN_OID = 16_384
"""Lower oids belong to the databases that initdb creates (FirstNormalObjectId)."""

_OID = re.compile(r"[1-9][0-9]{0,9}")

STOP_TIMEOUT = 15.0
"""Seconds that an old server has for a fast shutdown before an immediate one."""

_PROGRAMS = {"postgres", "initdb", "setpriv"}
"""The names of the programs that pgvend starts in the folder; `setpriv` executes one of the
others."""


def end_old_server(data: Path, account: Account | None) -> None:
    """Stop the programs that still run in `data` or next to it, and remove files that would keep a
    new server from starting. Blocks.

    The caller holds the folder's lock, so that no other service uses these processes.
    """
    lock_file = data / "postmaster.pid"
    text = read_file(lock_file, account.uid if account else os.geteuid())
    pid = _parse_pid(text)
    end_programs(data.parent, pid)
    if pid is None:
        lock_file.unlink(missing_ok=True)  # damaged: PostgreSQL would refuse to start
    elif psutil.pid_exists(pid):
        _replace_pid(lock_file, text or "", account)
    for socket_file in data.glob(".s.PGSQL.*"):
        socket_file.unlink(missing_ok=True)


def end_programs(folder: Path, server_pid: int | None) -> None:
    """Shut down the server with that process id, and kill the other programs that run in folders of
    `folder`. Blocks."""
    for process in find_programs(folder):
        if process.pid == server_pid:
            _shut_down(process)
    _kill(find_programs(folder))


def read_server_pid(data: Path) -> int | None:
    """Return the process id in the lock file of the server in `data`, or None."""
    return _parse_pid(read_file(data / "postmaster.pid"))


def is_server_running(data: Path) -> bool:
    """Return whether a server runs in `data`."""
    pid = read_server_pid(data)
    return any(process.pid == pid for process in find_programs(data.parent))


def remove_unknown_databases(data: Path, known: Set[int]) -> list[int]:
    """Remove the files of databases that are not in the catalog, which a crash during CREATE
    DATABASE leaves. Return the oids of the removed databases.

    `known` are the oids in `pg_database`, read while no database is being created.
    """
    with open_folder(data / "base") as base:
        found = {int(name) for name in os.listdir(base) if _OID.fullmatch(name)}
        unknown = sorted(oid for oid in found - known if oid >= FIRST_OWN_OID)
        for oid in unknown:
            shutil.rmtree(str(oid), dir_fd=base)
    return unknown


def _parse_pid(text: str | None) -> int | None:
    try:
        pid = int((text or "").splitlines()[0])
    except (IndexError, ValueError):
        return None
    return pid if 0 < pid < 2**31 else None


def find_programs(folder: Path) -> list[psutil.Process]:
    """Return the programs that run in folders of `folder`: PostgreSQL's programs change into their
    data folder."""
    return [
        process
        for process in psutil.process_iter(["name"])
        if process.info["name"] in _PROGRAMS and _runs_below(process, folder)
    ]


def _runs_below(process: psutil.Process, folder: Path) -> bool:
    try:
        return Path(process.cwd()).parent.samefile(folder)
    except (psutil.Error, OSError):
        return False


def _shut_down(server: psutil.Process) -> None:
    for number in (signal.SIGINT, signal.SIGQUIT):  # PostgreSQL's fast and immediate shutdown
        with suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
            server.send_signal(number)
            server.wait(STOP_TIMEOUT)


def _kill(processes: list[psutil.Process]) -> None:
    """Kill the sessions that outlived their server: a long query does not notice, and keeps a new
    server from starting. Their uncommitted work is lost with the old server in any case."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=STOP_TIMEOUT)


def _replace_pid(lock_file: Path, text: str, account: Account | None) -> None:
    """Replace the old server's process id, which another program has now, by this process's id.

    PostgreSQL would take the other program for a running server. It ignores the id of its parent,
    and goes on to check that no process of the old server is left.
    """
    lines = text.splitlines(keepends=True)
    write_file(lock_file, "".join([f"{os.getpid()}\n", *lines[1:]]), account)
