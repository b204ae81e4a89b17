"""Publication of the records that this process stores."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.audit import StoredAuditEvent
from domain.database import Database
from domain.lifecycle import State
from ports.driven.registry import Changes, Query, Registry


@dataclass(frozen=True)
class PublishingRegistry(Registry):
    """Calls `publish` with each stored record at once. After a lost answer or a cancellation, only
    the next list of changes shows whether the record was stored."""

    inner: Registry
    publish: Callable[[Database], None]

    async def add(
        self,
        database: Database,
        quota: int | None = None,
        event: StoredAuditEvent | None = None,
    ) -> Database:
        stored = await self.inner.add(database, quota, event)
        self.publish(stored)
        return stored

    async def update(
        self,
        database: Database,
        quota: int | None = None,
        event: StoredAuditEvent | None = None,
    ) -> Database:
        stored = await self.inner.update(database, quota, event)
        self.publish(stored)
        return stored

    async def get(self, database_id: str) -> Database:
        return await self.inner.get(database_id)

    async def search(self, query: Query) -> list[Database]:
        return await self.inner.search(query)

    async def count_states(self) -> Mapping[State, int]:
        return await self.inner.count_states()

    async def count_live(self, caller: str) -> int:
        return await self.inner.count_live(caller)

    async def list_changes(self, since: datetime | None = None) -> Changes:
        return await self.inner.list_changes(since)

    async def ping(self) -> None:
        await self.inner.ping()
