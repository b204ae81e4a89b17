"""Limit the sizes of databases: warn, then make read-only, and make writable again."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from domain.database import Database
from domain.lifecycle import Work
from domain.reconciliation import Upkeep
from domain.sizes import Measure, SizeLimit, is_read_only, size_work, told, work_for
from domain.states import State
from domain.targets import Target
from ports.driven.clock import Clock
from ports.driven.leases import Leases
from ports.driven.registry import Query, Registry
from ports.driven.size_limiter import SizeGuard
from ports.use_cases.reconcile_task import Chore
from ports.use_cases.records import attempt, changed, every

PAGE = 1000

DEFIED = (
    "It is read-only, but its owner overrides that and keeps writing: delete it, or ask the owner."
)


@dataclass(frozen=True, kw_only=True)
class ConfineDatabases:
    """A `limit` of None allows any size: databases that a former limit made read-only become
    writable."""

    actions: ClassVar = frozenset({Upkeep.CONFINE, Upkeep.RELEASE})

    registry: Registry
    size_guard: SizeGuard
    leases: Leases
    clock: Clock
    target: Target
    limit: SizeLimit | None

    async def __call__(self) -> list[Chore]:
        """Measure all databases and list the tasks. Raises Unavailable, and what the measurement
        raises."""
        sizes = await self.size_guard.measures() if self.limit else {}
        query = Query(states=frozenset({State.READY}), target=self.target.name, limit=PAGE)
        chores = (self._chore(record, sizes) for record in await every(self.registry, query))
        return [chore for chore in chores if chore]

    async def finish(self, database_id: str) -> bool:
        """Finish an operation that was interrupted. Return whether this call did so. Idempotent."""
        async with self.leases.held(database_id) as is_mine:
            database = await self.registry.get(database_id)
            work = size_work(database)
            if not is_mine or database.state is not State.READY or work is None:
                return False
            await self._done(database, work)
            return True

    def _chore(self, record: Database, sizes: Mapping[str, Measure]) -> Chore | None:
        measure = sizes.get(record.id)
        work = work_for(record, measure, self.limit, self.clock.now())
        name, why = record.names.database, self._why(measure)
        if work:
            do = partial(self._begin, record, work)
            return Chore(Upkeep(work.value), record.id, name, do, why)
        if measure and self.limit and self.limit.is_defied(measure.size) and is_read_only(record):
            return Chore(Upkeep.EXCEED, record.id, name, None, f"{why} {DEFIED}")
        return None

    def _why(self, measure: Measure | None) -> str:
        if measure is None or self.limit is None:
            return "There is no size limit now."
        return f"Its size is {told(measure.size)}; the limit is {told(self.limit.size)}."

    async def _begin(self, record: Database, work: Work) -> bool:
        """Start and perform the operation, unless the record changed since the measurement."""
        async with self.leases.held(record.id) as is_mine:
            current = await self.registry.get(record.id)
            if not is_mine or current.version != record.version:
                return False
            now = self.clock.now()
            if work is Work.CONFINE or (work is Work.RELEASE and is_read_only(current)):
                await self._done(await self.registry.update(current.began(work, now)), work)
            else:  # a warning, or its end
                await self.registry.update(current.did(work, now))
            return True

    async def _done(self, database: Database, work: Work) -> None:
        act = self.size_guard.confine if work is Work.CONFINE else self.size_guard.release
        async with attempt(self.registry, self.clock, database, work):
            await act(database.tenant)

        def done(current: Database) -> Database | None:
            is_open = current.state is State.READY and current.is_pending(work)
            return current.did(work, self.clock.now()) if is_open else None

        await changed(self.registry, database.id, done)
