"""The guard of the bundled server, which also uses signals where SQL does not help."""

import re
import shutil
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil

from adapters.embedded.cleanup import read_server_pid
from adapters.embedded.configuration import ADMIN, SUPERUSER
from adapters.postgres.guard import PostgresGuard, open_guard
from adapters.postgres.provider import PostgresProvider
from domain.server_snapshot import Capacity, Session
from ports.driven.cancellation import run_in_thread

_LOGGING_IN = "authentication", "initializing", "startup"

_WAITING_TITLE = re.compile(r"postgres: (?:\S+: )?(?P<user>\S+) \S+ \S+ (?P<activity>.+) waiting")
"""The title of a process whose session waits for a lock."""


@asynccontextmanager
async def open_embedded_guard(provider: PostgresProvider) -> AsyncIterator[PostgresGuard]:
    """Open the guard of the provider's server."""
    data = Path(provider.server.admin["host"])

    async def measure_disk() -> Capacity:
        return await run_in_thread(_measure_disk, data)

    async def end_session(session: Session) -> bool:
        return await run_in_thread(end_backend, data, session)

    async def rescue() -> None:
        await run_in_thread(end_waiting_sessions, data)

    server, marks = provider.server, provider.marks
    async with open_guard(
        server, marks, measure_disk=measure_disk, signal=end_session, rescue=rescue
    ) as guard:
        yield guard


def end_backend(data: Path, session: Session) -> bool:
    """Send SIGTERM, as `pg_terminate_backend` does, to the session's process in the server in
    `data`. Skip a process that is younger than the session: it reuses the number. Return whether a
    signal was sent. Blocks."""
    try:
        process = psutil.Process(session.pid)
        is_of_server = process in _find_backends(data)
        is_old_enough = time.time() - process.create_time() >= (session.connected_for or 0)
        if is_of_server and is_old_enough:
            process.send_signal(signal.SIGTERM)
            return True
    except psutil.Error:
        return False
    return False


def end_waiting_sessions(data: Path) -> int:
    """End every tenant's session that waits for a lock, if the superuser's login to the server in
    `data` waits for one too: SQL cannot then find the blocking session. Return how many sessions
    got a signal. Blocks."""
    waits = _find_waiting(data)
    if not any(user == SUPERUSER and activity in _LOGGING_IN for user, activity in waits.values()):
        return 0
    ended = 0
    for process, (user, activity) in waits.items():
        if user not in (SUPERUSER, ADMIN) and activity not in _LOGGING_IN:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGTERM)
                ended += 1
    return ended


def _find_waiting(data: Path) -> dict[psutil.Process, tuple[str, str]]:
    """Return the user and the activity of each session that waits for a lock."""
    waits: dict[psutil.Process, tuple[str, str]] = {}
    for process in _find_backends(data):
        with suppress(psutil.Error):
            if title := _WAITING_TITLE.fullmatch(" ".join(process.cmdline()).strip()):
                waits[process] = (title["user"], title["activity"])
    return waits


def _find_backends(data: Path) -> list[psutil.Process]:
    """Return the processes of the server in `data`. The server's system user writes the file with
    the process id, and could name another user's process: return none then."""
    pid = read_server_pid(data)
    with suppress(psutil.Error):
        if pid and psutil.Process(pid).uids().real == data.stat().st_uid:
            return psutil.Process(pid).children()
    return []


def _measure_disk(data: Path) -> Capacity:
    usage = shutil.disk_usage(data)
    return Capacity(free=usage.free, total=usage.total)
