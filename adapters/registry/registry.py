"""Records in one table of an SQL database."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    RowMapping,
    TextClause,
    bindparam,
    exists,
    func,
    insert,
    select,
    text,
    type_coerce,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from adapters.registry.rows import database_of, row_of
from adapters.registry.schema import DATABASES, HOLDS_NAMES
from adapters.registry.store import Store
from domain.database import Database
from domain.errors import (
    DatabaseNotFound,
    NameTaken,
    QuotaReached,
    RequestKnown,
    StaleRecord,
    Unavailable,
)
from domain.ids import is_id
from domain.states import LIVE
from ports.driven.registry import Query, Registry

_OF = DATABASES.c

_ADD = insert(DATABASES)
_LIVE_OF_CALLER = (
    select(func.count())
    .select_from(DATABASES)
    .where(_OF.caller == bindparam("caller", type_=_OF.caller.type), HOLDS_NAMES)
    .scalar_subquery()
)
_ADD_WITHIN = insert(DATABASES).from_select(
    list(_OF.keys()),
    select(*(bindparam(column.key, type_=column.type) for column in _OF)).where(
        bindparam("quota", type_=_OF.rotation.type) > _LIVE_OF_CALLER
    ),
)
_IN_TURN = text("SELECT pg_advisory_xact_lock(hashtextextended('pgvend quota ' || :caller, 0))")
_UPDATE = update(DATABASES).where(
    _OF.id == bindparam("known_id"), _OF.version == bindparam("known_version")
)


class SqlRegistry(Registry):
    """A registry that runs one statement for a call, or two to count a quota."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, database: Database, quota: int | None = None) -> Database:
        kept = _kept(database)
        if quota is None:
            await self._change(_ADD, kept)
        elif not await self._added_within(quota, kept):
            raise RequestKnown if await self._is_known(kept) else QuotaReached(quota=quota)
        return kept

    async def _added_within(self, quota: int, database: Database) -> int:
        """Add the record if the quota allows it, and return how many were added. SQLite has one
        writer at a time; on a server a lock for each caller does the same."""
        turn = _IN_TURN if self._store.is_postgres else None
        return await self._change(_ADD_WITHIN, database, first=turn, quota=quota)

    async def update(self, database: Database) -> Database:
        kept = _kept(database)
        if not await self._change(_UPDATE, kept, known_id=kept.id, known_version=database.version):
            await self.get(database.id)
            raise StaleRecord(f"Database {database.id} changed meanwhile; read it again.")
        return kept

    async def get(self, database_id: str) -> Database:
        if is_id(database_id):  # a database may reject the text of an invalid id
            for row in await self._store.fetch(select(DATABASES).where(_OF.id == database_id)):
                return _read(row)
        raise DatabaseNotFound(f"There is no database {database_id!r}.")

    async def search(self, query: Query) -> list[Database]:
        # few are due: finding and sorting these is faster than reading all in order
        order = _OF.id if query.due is None else _OF.id.concat("")
        matching = select(DATABASES).where(*self._conditions(query))
        rows = await self._store.fetch(matching.order_by(order.desc()).limit(query.limit))
        return [_read(row) for row in rows]

    async def ping(self) -> None:
        await self._store.write(_UPDATE, {"id": "", "known_id": "", "known_version": 0})

    async def _change(
        self,
        statement: Executable,
        database: Database,
        first: Executable | None = None,
        **known: Any,
    ) -> int:
        """Return how many records the statement changed. Raises RequestKnown and NameTaken."""
        try:
            return await self._store.write(statement, row_of(database) | known, first=first)
        except NameTaken:
            if await self._is_known(database):
                raise RequestKnown from None
            raise NameTaken(f"The name {database.names.database!r} is in use.") from None

    async def _is_known(self, database: Database) -> bool:
        """Return whether another record has the same idempotency key. A repeated request asks for
        the same name too, and the database reports only one of the two conflicts."""
        request = database.request
        if request is None:
            return False
        others = select(_OF.id).where(_OF.id != database.id, _OF.request_key == request.key)
        return bool(await self._store.fetch(others))

    def _conditions(self, query: Query) -> Iterator[ColumnElement[bool] | TextClause]:
        if query.states == LIVE:
            yield HOLDS_NAMES  # as the indexes say it; most records match, so order decides
        elif query.states:
            yield _OF.state.in_(sorted(query.states))
        if query.labels:
            yield from self._labelled(query.labels)
        if query.caller is not None:
            yield _OF.caller == query.caller
        if query.target is not None:
            yield _OF.target == query.target
        if query.due is not None:
            yield _OF.wake_at <= query.due
            yield _OF.state.concat("").in_(
                sorted(LIVE)
            )  # skip the unknown states of a newer pgvend
        if query.request is not None:
            yield _OF.request_key == query.request
        if query.before is not None:
            yield _OF.id < query.before

    def _labelled(self, labels: Mapping[str, str]) -> Iterator[ColumnElement[bool]]:
        """Yield conditions without a path into the document: the key would need quoting in it."""
        if self._store.is_postgres:
            yield type_coerce(_OF.labels, JSONB).contains(dict(labels))
            return
        for key, value in labels.items():
            label = func.json_each(_OF.labels).table_valued("key", "value")
            yield exists().select_from(label).where(label.c.key == key, label.c.value == value)


def _kept(database: Database) -> Database:
    return replace(database, labels=dict(database.labels), version=database.version + 1)


def _read(row: RowMapping) -> Database:
    """Return the record of a row. Raises Unavailable for a row that a newer pgvend or another
    program wrote."""
    try:
        return database_of(row)
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable(f"The record of {row['id']} cannot be read by this pgvend.") from error
