"""What was asked of the emulator, what is left there, and what works."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from adapters.neon.login_check import NeonLoginCheck
from adapters.postgres.login_check import PostgresLoginCheck
from adapters.system.clock import SystemClock
from domain.connection import Connection
from domain.errors import ProviderRejected
from tests.support.neon.emulator import RunningEmulator, turned_now
from tests.support.patience import RETRYING

turned = turned_now

LOGIN = NeonLoginCheck(PostgresLoginCheck(), SystemClock())


@asynccontextmanager
async def left_as_it_was(neon: RunningEmulator) -> AsyncIterator[None]:
    """No role, database or project more than before."""
    before = (await neon.census(), set(neon.emulator.projects))
    yield
    await neon.emulator.first.operations.idle()
    assert (await neon.census(), set(neon.emulator.projects)) == before


@dataclass(frozen=True)
class Requests:
    """Those that were answered, or met their fault, since the beginning."""

    neon: RunningEmulator
    begin: int

    def all(self) -> list[tuple[str, str, int]]:
        """Method, path, status."""
        return list(self.neon.emulator.exchanges)[self.begin :]

    def changes(self) -> list[tuple[str, str, int]]:
        return [request for request in self.all() if request[0] != "GET"]

    def statuses(self) -> list[int]:
        return [status for _, _, status in self.changes()]


def requests_to(neon: RunningEmulator) -> Requests:
    return Requests(neon, len(neon.emulator.exchanges))


async def persistently(call: Callable[[], Awaitable[Any]]) -> Any:
    """As the service does: again, after every error that may pass."""
    return await RETRYING(call)


async def works(connection: Connection) -> bool:
    """Whether one can log in with that, at once."""
    try:
        await PostgresLoginCheck().verify(connection)
    except ProviderRejected:
        return False
    return True
