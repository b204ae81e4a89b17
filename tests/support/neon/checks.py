"""Checks of the emulator's requests and objects, and of logins."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from adapters.neon.login_check import NeonLoginCheck
from adapters.postgres.login_check import PostgresLoginCheck
from adapters.system.clock import SystemClock
from domain.connection import Connection
from domain.errors import ProviderRejected
from tests.support.neon.emulator import RunningEmulator
from tests.support.retrying import RETRYING

LOGIN = NeonLoginCheck(PostgresLoginCheck(), SystemClock())


@asynccontextmanager
async def no_changes(neon: RunningEmulator) -> AsyncIterator[None]:
    """Check that the block leaves the roles, databases and projects unchanged."""
    before = (await neon.snapshot(), set(neon.emulator.projects))
    yield
    await neon.emulator.first.operations.wait_until_idle()
    assert (await neon.snapshot(), set(neon.emulator.projects)) == before


@dataclass(frozen=True)
class Requests:
    """The requests since `begin` that were answered or had a fault."""

    neon: RunningEmulator
    begin: int

    def all(self) -> list[tuple[str, str, int]]:
        """Return method, path and status of each request."""
        return list(self.neon.emulator.exchanges)[self.begin :]

    def changes(self) -> list[tuple[str, str, int]]:
        return [request for request in self.all() if request[0] != "GET"]

    def statuses(self) -> list[int]:
        return [status for _, _, status in self.changes()]


def record_requests(neon: RunningEmulator) -> Requests:
    return Requests(neon, len(neon.emulator.exchanges))


async def with_retries(call: Callable[[], Awaitable[Any]]) -> Any:
    """Repeat the call after temporary errors, as the service does."""
    return await RETRYING(call)


async def can_log_in(connection: Connection) -> bool:
    """Return whether a login works at once."""
    try:
        await PostgresLoginCheck().verify(connection)
    except ProviderRejected:
        return False
    return True
