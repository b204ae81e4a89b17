"""The registry in memory. Its records are lost when the process ends."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from adapters.memory.audit_log import MemoryAuditLog
from domain.audit import StoredAuditEvent
from domain.database import Database
from domain.errors import (
    DatabaseNotFound,
    NameTaken,
    QuotaReached,
    RequestAlreadyRecorded,
    StaleRecord,
)
from domain.lifecycle import LIVE, State
from ports.driven.registry import OVERLAP, Changes, Query, Registry, position_of

UniqueKey = tuple[str, ...]
"""A kind and the value that must be unique: a request key, or a target and a name on it."""


class MemoryRegistry(Registry):
    """No await separates a check from its change, so that concurrent calls do not conflict."""

    def __init__(self, audit_log: MemoryAuditLog | None = None) -> None:
        self._audit_log = audit_log or MemoryAuditLog()
        self._records: dict[str, Database] = {}
        self._owners: dict[UniqueKey, str] = {}
        self._changed_at: dict[str, datetime] = {}

    async def add(
        self,
        database: Database,
        quota: int | None = None,
        event: StoredAuditEvent | None = None,
    ) -> Database:
        if database.id in self._records:
            raise NameTaken(f"A record {database.id} exists already.")
        return self._store_within(quota, database, event)

    async def update(
        self,
        database: Database,
        quota: int | None = None,
        event: StoredAuditEvent | None = None,
    ) -> Database:
        current = await self.get(database.id)
        if current.version != database.version:
            raise StaleRecord(f"Database {database.id} changed meanwhile; read it again.")
        return self._store_within(quota, database, event)

    async def get(self, database_id: str) -> Database:
        try:
            return self._records[database_id]
        except KeyError:
            raise DatabaseNotFound(f"There is no database {database_id!r}.") from None

    async def search(self, query: Query) -> list[Database]:
        newest_first = sorted(self._records.values(), key=position_of, reverse=True)
        return [record for record in newest_first if _matches(record, query)][: query.limit]

    async def count_live(self, caller: str) -> int:
        return self._count_live(caller)

    async def count_states(self) -> Mapping[State, int]:
        counts = Counter(record.state for record in self._records.values())
        return {state: counts[state] for state in LIVE}

    async def list_changes(self, since: datetime | None = None) -> Changes:
        now = datetime.now(UTC)
        begin = (since or now) - OVERLAP
        changed = [each for each, changed_at in self._changed_at.items() if changed_at > begin]
        return Changes(versions={each: self._records[each].version for each in changed}, until=now)

    async def ping(self) -> None:
        return

    def _count_live(self, caller: str) -> int:
        return sum(
            record.caller == caller and not record.is_gone for record in self._records.values()
        )

    def _store_within(
        self, quota: int | None, database: Database, event: StoredAuditEvent | None
    ) -> Database:
        if self._are_taken(_list_request_keys(database), database.id):
            raise RequestAlreadyRecorded
        if quota is not None and self._count_live(database.caller) >= quota:
            raise QuotaReached(quota=quota)
        stored = self._store(database)
        if event:
            self._audit_log.add(event)
        return stored

    def _store(self, database: Database) -> Database:
        if self._are_taken(_list_name_keys(database), database.id):
            raise NameTaken(f"The name {database.names.database!r} is in use.")
        if former := self._records.get(database.id):
            for key in _list_unique_keys(former):
                del self._owners[key]
        self._owners |= dict.fromkeys(_list_unique_keys(database), database.id)
        record = replace(database, labels=dict(database.labels), version=database.version + 1)
        self._records[record.id] = record
        self._changed_at[record.id] = datetime.now(UTC)
        return record

    def _are_taken(self, keys: tuple[UniqueKey, ...], database_id: str) -> bool:
        return any(self._owners.get(key, database_id) != database_id for key in keys)


def _list_unique_keys(database: Database) -> tuple[UniqueKey, ...]:
    """Return the values that no two records may have at the same time."""
    return _list_request_keys(database) + _list_name_keys(database)


def _list_request_keys(database: Database) -> tuple[UniqueKey, ...]:
    return (("request", database.idempotency_key.key),) if database.idempotency_key else ()


def _list_name_keys(database: Database) -> tuple[UniqueKey, ...]:
    """Return no names for a record that is gone: they are free again."""
    if database.is_gone:
        return ()
    target, names = database.target.name, database.names
    return ("database", target, names.database), ("owner", target, names.owner)


def _matches(database: Database, query: Query) -> bool:
    idempotency_key = database.idempotency_key
    return (
        (not query.states or database.state in query.states)
        and (query.ids is None or database.id in query.ids)
        and query.labels.items() <= database.labels.items()
        and query.caller in {None, database.caller}
        and query.target in {None, database.target.name}
        and query.nickname in {None, database.nickname.text}
        and query.database in {None, database.names.database}
        and query.shape in {None, database.shape}
        and query.idempotency_key in {None, idempotency_key and idempotency_key.key}
        and (query.due is None or _is_due(database, query.due))
        and (query.before is None or position_of(database) < query.before)
    )


def _is_due(database: Database, moment: datetime) -> bool:
    wake_at = database.wake_at
    return not database.is_gone and wake_at is not None and wake_at <= moment
