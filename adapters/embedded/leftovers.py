"""What a killed service or a crashed server left behind."""

import os
import shutil
import signal
from collections.abc import Set
from pathlib import Path

import psutil

from adapters.embedded.account import Account
from adapters.embedded.files import write_file

FIRST_OWN_OID = 16_384
"""Lower numbers are the databases that initdb makes (FirstNormalObjectId)."""

PATIENCE = 60.0
"""Seconds that an old server gets to write down what it has, before it is stopped the hard way."""


def end_old_server(data: Path, account: Account | None) -> None:
    """Stop a server that still runs in `data`, and clear the way for a new one. Blocks.

    Whoever calls this holds the folder's lock: nobody else stands behind that server.
    """
    pid = _pid_in(data / "postmaster.pid")
    if pid is None:
        return
    if old := _server_in(data, pid):
        _stop(old)
    elif psutil.pid_exists(pid):
        _disown(data / "postmaster.pid", account)
    for socket_file in data.glob(".s.PGSQL.*"):
        socket_file.unlink(missing_ok=True)


def remove_unknown_databases(data: Path, known: Set[int]) -> list[int]:
    """Remove what a crash amid CREATE DATABASE leaves: files of a database that is in no catalog.

    `known` are the oids in `pg_database`, read while nobody makes a database. Returns what went.
    """
    found = {int(folder.name) for folder in (data / "base").iterdir() if folder.name.isdigit()}
    unknown = sorted(oid for oid in found - known if oid >= FIRST_OWN_OID)
    for oid in unknown:
        shutil.rmtree(data / "base" / str(oid))
    return unknown


def _pid_in(file: Path) -> int | None:
    try:
        return int(file.read_text().splitlines()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return None


def _server_in(data: Path, pid: int) -> psutil.Process | None:
    """The process `pid`, if it is a server of this folder: PostgreSQL works inside its folder."""
    try:
        process = psutil.Process(pid)
        ours = process.name().startswith("postgres") and Path(process.cwd()).samefile(data)
    except (psutil.Error, OSError):
        return None
    return process if ours else None


def _stop(server: psutil.Process) -> None:
    for how in (signal.SIGINT, signal.SIGQUIT):  # PostgreSQL's fast and immediate shutdown
        server.send_signal(how)
        try:
            server.wait(PATIENCE)
        except psutil.TimeoutExpired:
            continue
        return


def _disown(lock_file: Path, account: Account | None) -> None:
    """Another program has got the old server's number meanwhile, and PostgreSQL would take it for
    the server. Put ours in its place, which PostgreSQL knows as its parent's and passes over, to
    go on with its own check that no process of the old server is left."""
    lines = lock_file.read_text().splitlines(keepends=True)
    write_file(lock_file, "".join([f"{os.getpid()}\n", *lines[1:]]), account)
