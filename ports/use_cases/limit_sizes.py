"""Limit the sizes of databases: warn, then make read-only, and make writable again."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from domain.database import Database
from domain.lifecycle import Operation, State
from domain.reconciliation import ReconcileAction
from domain.sizes import (
    Measurement,
    SizeLimit,
    find_next_size_operation,
    find_pending_size_operation,
    format_size,
    is_read_only,
)
from domain.targets import Target
from ports.driven.clock import Clock
from ports.driven.leases import Leases
from ports.driven.metrics import NO_METRICS, Metrics
from ports.driven.registry import Query, Registry
from ports.driven.size_limiter import SizeLimiter
from ports.use_cases.reconcile_tasks import ReconcileTask
from ports.use_cases.records import attempt, search_all, update_record

PAGE = 1000

STILL_WRITING = (
    "It is read-only, but its owner overrides that and keeps writing: delete it, or ask the owner."
)


@dataclass(frozen=True, kw_only=True)
class LimitSizes:
    """A `limit` of None allows any size: databases that a former limit made read-only become
    writable."""

    actions: ClassVar = frozenset({ReconcileAction.SET_READ_ONLY, ReconcileAction.CLEAR_READ_ONLY})

    registry: Registry
    size_limiter: SizeLimiter
    leases: Leases
    clock: Clock
    target: Target
    limit: SizeLimit | None
    metrics: Metrics = NO_METRICS

    async def __call__(self) -> list[ReconcileTask]:
        """Measure all databases and return the tasks. Raises Unavailable, and what the measurement
        raises."""
        sizes: Mapping[str, Measurement] = {}
        if self.limit:
            sizes = await self.size_limiter.measure_sizes()
            self.metrics.set_sizes([each.size for each in sizes.values()])
        query = Query(states=frozenset({State.READY}), target=self.target.name, limit=PAGE)
        records = await search_all(self.registry, query)
        return [task for record in records if (task := self._create_task(record, sizes))]

    async def finish(self, database_id: str) -> bool:
        """Finish an operation that was interrupted. Return whether this call did so. Idempotent."""
        async with self.leases.acquire(database_id) as is_acquired:
            database = await self.registry.get(database_id)
            operation = find_pending_size_operation(database)
            if not is_acquired or database.state is not State.READY or operation is None:
                return False
            await self._perform(database, operation)
            return True

    def _create_task(
        self, record: Database, sizes: Mapping[str, Measurement]
    ) -> ReconcileTask | None:
        measure = sizes.get(record.id)
        operation = find_next_size_operation(record, measure, self.limit, self.clock.now())
        name, reason = record.names.database, self._explain(measure)
        if operation:
            run = partial(self._start, record, operation)
            return ReconcileTask(ReconcileAction(operation.value), record.id, name, run, reason)
        if (
            measure
            and self.limit
            and self.limit.is_circumvented(measure.size)
            and is_read_only(record)
        ):
            return ReconcileTask(
                ReconcileAction.REPORT_OVERSIZE, record.id, name, None, f"{reason} {STILL_WRITING}"
            )
        return None

    def _explain(self, measure: Measurement | None) -> str:
        if measure is None or self.limit is None:
            return "There is no size limit now."
        return (
            f"Its size is {format_size(measure.size)}; the limit is {format_size(self.limit.size)}."
        )

    async def _start(self, record: Database, operation: Operation) -> bool:
        """Start and perform the operation, unless the record changed since the measurement."""
        async with self.leases.acquire(record.id) as is_acquired:
            current = await self.registry.get(record.id)
            if not is_acquired or current.version != record.version:
                return False
            now = self.clock.now()
            if operation is Operation.SET_READ_ONLY or (
                operation is Operation.CLEAR_READ_ONLY and is_read_only(current)
            ):
                started = await self.registry.update(current.start(operation, now))
                await self._perform(started, operation)
            else:  # a warning, or its end
                await self.registry.update(current.complete(operation, now))
            return True

    async def _perform(self, database: Database, operation: Operation) -> None:
        change = (
            self.size_limiter.set_read_only
            if operation is Operation.SET_READ_ONLY
            else self.size_limiter.clear_read_only
        )
        async with attempt(self.registry, self.clock, database, operation):
            await change(database.tenant)

        def complete(current: Database) -> Database | None:
            is_open = current.state is State.READY and current.is_pending(operation)
            return current.complete(operation, self.clock.now()) if is_open else None

        await update_record(self.registry, database.id, complete)
