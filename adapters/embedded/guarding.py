"""The guard of the bundled server, which can do more than SQL can."""

import shutil
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from adapters.embedded.leftovers import server_pid
from adapters.embedded.threads import in_thread
from adapters.postgres.guard import PostgresGuard, opened_guard
from adapters.postgres.provider import PostgresProvider
from domain.guarding import Room, Session


@asynccontextmanager
async def opened_bundles_guard(provider: PostgresProvider) -> AsyncIterator[PostgresGuard]:
    """The guard of the server that `provider` is on."""
    data = Path(provider.server.admin["host"])

    async def disk() -> Room:
        return await in_thread(_room, data)

    async def end(session: Session) -> bool:
        return await in_thread(end_backend, data, session)

    async with opened_guard(provider.server, provider.marks, disk=disk, signal=end) as guard:
        yield guard


def end_backend(data: Path, session: Session) -> bool:
    """Send SIGTERM, as `pg_terminate_backend` does, to a process of the server in `data` that is as
    old as the session was when it was seen. Return whether there is one. Blocks."""
    try:
        process = psutil.Process(session.pid)
        is_ours = process.ppid() == server_pid(data)
        is_as_old = time.time() - process.create_time() >= (session.lasts or 0)
        if is_ours and is_as_old:
            process.send_signal(signal.SIGTERM)
            return True
    except psutil.Error:
        return False
    return False


def _room(data: Path) -> Room:
    usage = shutil.disk_usage(data)
    return Room(free=usage.free, total=usage.total)
