"""A queue for providers that accept one change at a time."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from statistics import fmean

from structlog.stdlib import BoundLogger

from domain.connection import Connection
from domain.errors import ProviderBusy
from domain.extensions import Extension
from domain.provisioning import (
    Confirm,
    InventoryItem,
    ProvisionRequest,
    Tenant,
    Tombstone,
    confirm_always,
)
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.metrics import NO_METRICS, Lock, Metrics

INITIAL_DURATION = 1.0
"""The assumed duration of a call in seconds, until one has ended."""

RECENT_CALLS = 20
"""The number of calls whose mean duration is expected of the next ones."""


class Queue:
    """Runs one call at a time, first come, first served. At most `limit` calls wait, each for at
    most `max_wait` seconds."""

    def __init__(
        self,
        limit: int,
        max_wait: float,
        clock: Clock,
        log: BoundLogger,
        metrics: Metrics = NO_METRICS,
    ) -> None:
        self._limit, self._max_wait, self._clock, self._log = limit, max_wait, clock, log
        self._metrics = metrics
        self._lock = asyncio.Lock()  # fair, also if a waiting call is cancelled
        self._length = 0  # the running call and the waiting ones
        self._durations: deque[float] = deque(maxlen=RECENT_CALLS)

    @asynccontextmanager
    async def take_turn(self, call: str, tenant: Tenant, *, refusable: bool) -> AsyncIterator[None]:
        """Run the body alone. The turn ends with the body, even if that is cancelled.

        Raises ProviderBusy, for a `refusable` call, if the queue is full or its wait is too long.
        """
        if refusable:
            self._refuse_overflow()
        with self._count_call() as ahead:
            queued_at = self._clock.elapsed()
            await self._acquire(self._max_wait if refusable else None)
            with self._time_call():
                waited = self._clock.elapsed() - queued_at
                self._metrics.count_wait(Lock.QUEUE, waited)
                if ahead:
                    ms = round(waited * 1000, 1)
                    self._log.debug("provider.queued", call=call, id=tenant.id, length=ahead, ms=ms)
                yield

    def _refuse_overflow(self) -> None:
        """Raise ProviderBusy if the queue is full, with the time until it is empty."""
        waiting = self._length - 1
        if waiting >= self._limit:
            self._metrics.count_queue_refusal()
            mean = fmean(self._durations or [INITIAL_DURATION])
            raise ProviderBusy(
                f"{waiting} calls wait for the provider already; try again later.",
                retry_after=max(1.0, waiting * mean),
            )

    @contextmanager
    def _count_call(self) -> Iterator[int]:
        """Count the call among the running and waiting; yield the number before it."""
        self._change_length(1)
        try:
            yield self._length - 1
        finally:
            self._change_length(-1)

    def _change_length(self, change: int) -> None:
        self._length += change
        self._metrics.set_queue_length(self._length)

    async def _acquire(self, max_wait: float | None) -> None:
        try:
            async with asyncio.timeout(max_wait):
                await self._lock.acquire()
        except TimeoutError:
            self._metrics.count_queue_refusal()
            raise ProviderBusy("The calls before this one take too long; try again.") from None

    @contextmanager
    def _time_call(self) -> Iterator[None]:
        started_at = self._clock.elapsed()
        try:
            yield
        finally:
            self._lock.release()
            self._durations.append(self._clock.elapsed() - started_at)


@dataclass(frozen=True)
class QueueingProvider(DatabaseProvider):
    """Queues all calls that change something. A deletion or suspension is never refused: otherwise
    the database, or access to it, would remain."""

    inner: DatabaseProvider
    queue: Queue

    async def provision(self, request: ProvisionRequest) -> Connection:
        async with self.queue.take_turn("provision", request.tenant, refusable=True):
            return await self.inner.provision(request)

    async def extensions(self) -> Sequence[Extension]:
        return await self.inner.extensions()

    async def install(self, request: ProvisionRequest) -> None:
        await self.inner.install(request)

    async def reveal(self, request: ProvisionRequest) -> Connection:
        return await self.inner.reveal(request)

    async def rotate(self, request: ProvisionRequest, *, end_sessions: bool = False) -> Connection:
        async with self.queue.take_turn("rotate", request.tenant, refusable=True):
            return await self.inner.rotate(request, end_sessions=end_sessions)

    @property
    def can_copy(self) -> bool:
        return self.inner.can_copy

    @property
    def rotation_ends_sessions(self) -> bool:
        return self.inner.rotation_ends_sessions

    async def suspend(self, tenant: Tenant, confirm: Confirm = confirm_always) -> None:
        async with self.queue.take_turn("suspend", tenant, refusable=False):
            await self.inner.suspend(tenant, confirm)

    async def delete(self, tenant: Tenant, confirm: Confirm = confirm_always) -> Tombstone | None:
        async with self.queue.take_turn("delete", tenant, refusable=False):
            return await self.inner.delete(tenant, confirm)

    async def inventory(self) -> Sequence[InventoryItem]:
        return await self.inner.inventory()

    async def ping(self) -> None:
        await self.inner.ping()
