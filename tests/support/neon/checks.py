"""The emulator with its knobs turned for one test, and what was asked of it meanwhile."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from adapters.neon.login_check import NeonLoginCheck
from adapters.postgres.login_check import PostgresLoginCheck
from adapters.system.clock import SystemClock
from domain.connection import Connection
from domain.errors import ProviderRejected
from domain.order import Tenant
from tests.support.neon.emulator import RunningEmulator
from tests.support.patience import RETRYING

LOGIN = NeonLoginCheck(PostgresLoginCheck(), SystemClock())


@contextmanager
def turned(neon: RunningEmulator, **knobs: Any) -> Iterator[None]:
    """Faults that were not met are taken back as well."""
    before = {knob: getattr(neon.behaviour, knob) for knob in knobs}
    try:
        for knob, value in knobs.items():
            setattr(neon.behaviour, knob, value)
        yield
    finally:
        for knob, value in before.items():
            setattr(neon.behaviour, knob, value)
        neon.emulator.faults.clear()
        neon.emulator.first.operations.release()


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
        """Method, path below the base, status."""
        return [
            (method, path.removeprefix("/api/v2"), status)
            for method, path, status in list(self.neon.emulator.exchanges)[self.begin :]
        ]

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


async def owners_and_databases(neon: RunningEmulator, tenant: Tenant) -> tuple[int, int]:
    """How many there are of a tenant's, in PostgreSQL."""
    census = await neon.census()
    names = tenant.names
    return (
        sum(name == names.owner for name in census.real_roles),
        sum(name == names.database for name in census.real_databases),
    )
