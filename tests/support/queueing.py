"""Queued calls, and a provider that blocks each call until it is released."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog

from adapters.decorators.queueing import Queue, QueueingProvider
from adapters.memory.provider import MemoryProvider
from domain.connection import Connection
from domain.provisioning import Confirm, ProvisionRequest, Tenant, confirm_always
from ports.driven.cancellation import run_to_completion
from ports.driven.database_provider import DatabaseProvider
from ports.driven.metrics import NO_METRICS, Metrics
from tests.support.clock import FakeClock
from tests.support.doubles import PATIENCE
from tests.support.provision_requests import new_provision_request


class HoldingProvider(MemoryProvider):
    """Each changing call blocks until it is released, even if it is cancelled, and then takes
    `takes` seconds."""

    def __init__(self, clock: FakeClock | None = None, takes: float = 0) -> None:
        super().__init__()
        self.entered: list[str] = []  # the tenants' ids, in the order of their calls
        self.inside = 0
        self.most = 0
        self.takes = takes
        self._clock = clock or FakeClock()
        self._exits = asyncio.Semaphore(0)

    def release(self, calls: int = 1) -> None:
        for _ in range(calls):
            self._exits.release()

    async def provision(self, provision_request: ProvisionRequest) -> Connection:
        async with self._stay(provision_request.tenant):
            return await super().provision(provision_request)

    async def rotate(
        self, provision_request: ProvisionRequest, *, end_sessions: bool = False
    ) -> Connection:
        async with self._stay(provision_request.tenant):
            return await super().rotate(provision_request, end_sessions=end_sessions)

    async def suspend(self, tenant: Tenant, confirm: Confirm = confirm_always) -> None:
        async with self._stay(tenant):
            await super().suspend(tenant, confirm)

    async def delete(self, tenant: Tenant, confirm: Confirm = confirm_always) -> None:
        async with self._stay(tenant):
            await super().delete(tenant, confirm)

    @asynccontextmanager
    async def _stay(self, tenant: Tenant) -> AsyncIterator[None]:
        self.entered.append(tenant.id)
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            await run_to_completion(self._exits.acquire())
            yield
        finally:
            self._clock.passed += self.takes
            self.inside -= 1


async def run_until_idle() -> None:
    """Wait until all tasks are blocked."""
    for _ in range(20):
        await asyncio.sleep(0)


def create_queue(
    limit: int = 100,
    patience: float = PATIENCE,
    *,
    clock: FakeClock | None = None,
    metrics: Metrics = NO_METRICS,
) -> Queue:
    return Queue(limit, patience, clock or FakeClock(), structlog.get_logger(), metrics)


def queued(
    inner: DatabaseProvider,
    *,
    limit: int = 100,
    patience: float = PATIENCE,
    clock: FakeClock | None = None,
) -> QueueingProvider:
    return QueueingProvider(inner, create_queue(limit, patience, clock=clock))


async def start_calls(provider: QueueingProvider, calls: int) -> asyncio.Future[Any]:
    """Start that many calls: the first runs, the others wait."""
    tasks = asyncio.gather(*(provider.provision(new_provision_request()) for _ in range(calls)))
    await run_until_idle()
    return tasks


async def let_all_out(room: HoldingProvider, tasks: asyncio.Future[Any], calls: int) -> None:
    room.release(calls)
    async with asyncio.timeout(PATIENCE):
        await tasks
