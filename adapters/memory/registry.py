"""Records in memory: gone when the process ends."""

from dataclasses import replace

from domain.database import Database
from domain.errors import DatabaseNotFound, NameTaken, StaleRecord
from ports.driven.registry import Query, Registry

Claim = tuple[str, str, str]
"""A kind of name, the target that it is used on, the name."""


class MemoryRegistry(Registry):
    """No await stands between a look and a change, so racing calls see each other."""

    def __init__(self) -> None:
        self._kept: dict[str, Database] = {}
        self._holders: dict[Claim, str] = {}

    async def add(self, database: Database) -> Database:
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

    def _keep(self, database: Database) -> Database:
        claims = _claims(database)
        if any(self._holders.get(claim, database.id) != database.id for claim in claims):
            raise NameTaken(f"The name {database.names.database!r} is in use.")
        if former := self._kept.get(database.id):
            for claim in _claims(former):
                del self._holders[claim]
        self._holders |= dict.fromkeys(claims, database.id)
        kept = replace(database, labels=dict(database.labels), version=database.version + 1)
        self._kept[kept.id] = kept
        return kept


def _claims(database: Database) -> tuple[Claim, ...]:
    """What no two records have at the same time; one that is gone has nothing."""
    if database.is_gone:
        return ()
    target, names = database.target.name, database.names
    return ("database", target, names.database), ("owner", target, names.owner)


def _matches(database: Database, query: Query) -> bool:
    return (
        (not query.states or database.state in query.states)
        and query.labels.items() <= database.labels.items()
        and (query.before is None or database.id < query.before)
    )
