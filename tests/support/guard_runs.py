"""A guard that runs during a test, at shorter intervals than a service's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from adapters.embedded.guard import opened_bundles_guard
from adapters.postgres.guard import PostgresGuard, opened_guard
from adapters.postgres.provider import PostgresProvider
from adapters.system.clock import SystemClock
from domain.errors import PgvendError
from domain.guard_policy import GuardPolicy
from ports.driven.guard import Guard
from ports.use_cases.guard_server import GuardServer, Outcome

QUICK = GuardPolicy(patience=0.5)


@dataclass
class Watch:
    """A running guard, and the results of its runs."""

    server: GuardServer
    outcomes: list[Outcome] = field(default_factory=list)
    looks: int = 0

    @property
    def endings(self) -> list[tuple[str, str]]:
        """The tenant and the reason of each transaction that was ended."""
        done = [each.ending for each in self.outcomes if each.error is None]
        return [(ending.suspect.tenant, ending.reason.value) for ending in done]

    async def look(self) -> None:
        """Run once. As in the service, a failed run is followed by another one."""
        with suppress(PgvendError):
            self.outcomes += await self.server()
            self.looks += 1

    async def forever(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(self.server.pace)


@asynccontextmanager
async def guard_of(provider: PostgresProvider) -> AsyncIterator[PostgresGuard]:
    """Open a guard for the provider as the service does."""
    is_bundled = provider.server.superuser is not None
    opened = (
        opened_bundles_guard(provider)
        if is_bundled
        else opened_guard(provider.server, provider.marks)
    )
    async with opened as guard:
        yield guard


@asynccontextmanager
async def watching(
    guard: Guard, policy: GuardPolicy = QUICK, pace: float = 0.1
) -> AsyncIterator[Watch]:
    """Run the guard once, then repeatedly until the context exits."""
    watch = Watch(GuardServer(guard, policy, SystemClock(), pace))
    await watch.look()
    task = asyncio.create_task(watch.forever())
    try:
        yield watch
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await watch.server.close()


@asynccontextmanager
async def guarded(
    provider: PostgresProvider, policy: GuardPolicy = QUICK, pace: float = 0.1
) -> AsyncIterator[Watch]:
    async with guard_of(provider) as guard, watching(guard, policy, pace) as watch:
        yield watch
