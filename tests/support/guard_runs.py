"""Guards that run during a test, at shorter intervals than in the service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from adapters.embedded.guard import open_embedded_guard
from adapters.postgres.guard import PostgresGuard, open_guard
from adapters.postgres.provider import PostgresProvider
from adapters.system.clock import SystemClock
from domain.errors import PgvendError
from domain.guard_policy import GuardPolicy
from ports.driven.guard import Guard
from ports.use_cases.guard_server import EndingResult, GuardServer
from tests.support.polling import wait_until

QUICK_POLICY = GuardPolicy(max_wait=0.5)

RUNS = 15
"""The number of runs in which the guard ends every session that it would end for its locks."""


@dataclass
class GuardRun:
    """A running guard, and the results of its runs."""

    server: GuardServer
    outcomes: list[EndingResult] = field(default_factory=list)
    checks: int = 0

    @property
    def ended(self) -> list[tuple[str, str]]:
        """The tenant and the reason of each transaction that was ended."""
        terminations = [each.termination for each in self.outcomes if each.error is None]
        return [
            (termination.suspect.tenant, termination.reason.value) for termination in terminations
        ]

    async def run_once(self) -> None:
        """Run once. As in the service, a failed run is followed by another one."""
        with suppress(PgvendError):
            self.outcomes += await self.server()
            self.checks += 1

    async def run_forever(self) -> None:
        while True:
            await self.run_once()
            await asyncio.sleep(self.server.interval)


@asynccontextmanager
async def open_provider_guard(provider: PostgresProvider) -> AsyncIterator[PostgresGuard]:
    """Open a guard for the provider as the service does."""
    is_bundled = provider.server.superuser is not None
    opening = (
        open_embedded_guard(provider) if is_bundled else open_guard(provider.server, provider.marks)
    )
    async with opening as guard:
        yield guard


@asynccontextmanager
async def run_guard(
    guard: Guard, policy: GuardPolicy = QUICK_POLICY, interval: float = 0.1
) -> AsyncIterator[GuardRun]:
    """Run the guard once, then repeatedly until the context exits."""
    guard_run = GuardRun(GuardServer(guard, policy, SystemClock(), interval))
    await guard_run.run_once()
    task = asyncio.create_task(guard_run.run_forever())
    try:
        yield guard_run
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await guard_run.server.close()


@asynccontextmanager
async def run_provider_guard(
    provider: PostgresProvider, policy: GuardPolicy = QUICK_POLICY, interval: float = 0.1
) -> AsyncIterator[GuardRun]:
    async with (
        open_provider_guard(provider) as guard,
        run_guard(guard, policy, interval) as guard_run,
    ):
        yield guard_run


async def wait_for_guard_runs(guard_run: GuardRun) -> None:
    """Wait until the guard has ended every session that it would end for its locks."""
    checks, start = guard_run.checks, asyncio.get_running_loop().time()
    await wait_until(lambda: _has_run(guard_run, checks + RUNS))
    assert asyncio.get_running_loop().time() - start > QUICK_POLICY.max_wait


async def _has_run(guard_run: GuardRun, times: int) -> bool:
    return guard_run.checks >= times
