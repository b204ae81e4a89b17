"""Records in memory: gone when the process ends."""

from dataclasses import replace

from domain.database import Database
from domain.errors import DatabaseNotFound, NameTaken, StaleRecord
from ports.driven.registry import Query, Registry


class MemoryRegistry(Registry):
    """No await stands between a look and a change, so racing calls see each other."""

    def __init__(self) -> None:
        self._kept: dict[str, Database] = {}

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
        if not database.is_gone and any(_clash(database, kept) for kept in self._kept.values()):
            raise NameTaken(f"The name {database.names.database!r} is in use.")
        kept = replace(database, labels=dict(database.labels), version=database.version + 1)
        self._kept[kept.id] = kept
        return kept


def _clash(one: Database, other: Database) -> bool:
    return (
        one.id != other.id
        and not other.is_gone
        and one.target.name == other.target.name
        and (one.names.database == other.names.database or one.names.owner == other.names.owner)
    )


def _matches(database: Database, query: Query) -> bool:
    return (
        (not query.states or database.state in query.states)
        and query.labels.items() <= database.labels.items()
        and (query.before is None or database.id < query.before)
    )
