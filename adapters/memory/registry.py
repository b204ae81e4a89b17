"""The registry in memory. Its records are lost when the process ends."""

from dataclasses import replace
from datetime import datetime

from domain.database import Database
from domain.errors import DatabaseNotFound, NameTaken, QuotaReached, RequestKnown, StaleRecord
from ports.driven.registry import Query, Registry

Claim = tuple[str, ...]
"""A kind and the value that must be unique: a request key, or a target and a name on it."""


class MemoryRegistry(Registry):
    """No await separates a check from its change, so that concurrent calls do not conflict."""

    def __init__(self) -> None:
        self._kept: dict[str, Database] = {}
        self._holders: dict[Claim, str] = {}

    async def add(self, database: Database, quota: int | None = None) -> Database:
        if database.id in self._kept:
            raise NameTaken(f"A record {database.id} exists already.")
        if self._are_held(_request(database), database.id):
            raise RequestKnown
        if quota is not None and self._live_of(database.caller) >= quota:
            raise QuotaReached(quota=quota)
        return self._keep(database)

    async def update(self, database: Database) -> Database:
        current = await self.get(database.id)
        if current.version != database.version:
            raise StaleRecord(f"Database {database.id} changed meanwhile; read it again.")
        return self._keep(database)

    async def get(self, database_id: str) -> Database:
        try:
            return self._kept[database_id]
        except KeyError:
            raise DatabaseNotFound(f"There is no database {database_id!r}.") from None

    async def search(self, query: Query) -> list[Database]:
        newest_first = sorted(self._kept.values(), key=lambda kept: kept.id, reverse=True)
        return [kept for kept in newest_first if _matches(kept, query)][: query.limit]

    async def ping(self) -> None:
        return

    def _live_of(self, caller: str) -> int:
        return sum(kept.caller == caller and not kept.is_gone for kept in self._kept.values())

    def _keep(self, database: Database) -> Database:
        if self._are_held(_request(database), database.id):
            raise RequestKnown
        if self._are_held(_names(database), database.id):
            raise NameTaken(f"The name {database.names.database!r} is in use.")
        if former := self._kept.get(database.id):
            for claim in _claims(former):
                del self._holders[claim]
        self._holders |= dict.fromkeys(_claims(database), database.id)
        kept = replace(database, labels=dict(database.labels), version=database.version + 1)
        self._kept[kept.id] = kept
        return kept

    def _are_held(self, claims: tuple[Claim, ...], database_id: str) -> bool:
        return any(self._holders.get(claim, database_id) != database_id for claim in claims)


def _claims(database: Database) -> tuple[Claim, ...]:
    """Return the values that no two records may have at the same time."""
    return _request(database) + _names(database)


def _request(database: Database) -> tuple[Claim, ...]:
    return (("request", database.request.key),) if database.request else ()


def _names(database: Database) -> tuple[Claim, ...]:
    """Return no names for a record that is gone: they are free again."""
    if database.is_gone:
        return ()
    target, names = database.target.name, database.names
    return ("database", target, names.database), ("owner", target, names.owner)


def _matches(database: Database, query: Query) -> bool:
    request = database.request
    return (
        (not query.states or database.state in query.states)
        and query.labels.items() <= database.labels.items()
        and query.caller in {None, database.caller}
        and query.target in {None, database.target.name}
        and query.request in {None, request and request.key}
        and (query.due is None or _is_due(database, query.due))
        and (query.before is None or database.id < query.before)
    )


def _is_due(database: Database, moment: datetime) -> bool:
    wake_at = database.wake_at
    return not database.is_gone and wake_at is not None and wake_at <= moment
