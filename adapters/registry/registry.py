"""Records in one table of an SQL database."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Select,
    Update,
    bindparam,
    exists,
    func,
    insert,
    select,
    type_coerce,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql.dml import Insert

from adapters.registry.errors import translated
from adapters.registry.rows import database_of, row_of
from adapters.registry.schema import DATABASES
from domain.database import LIVE, Database
from domain.errors import DatabaseNotFound, NameTaken, RequestKnown, StaleRecord, Unavailable
from domain.identity import is_id
from ports.cancellation import finished
from ports.driven.registry import Query, Registry

_OF = DATABASES.c

_ADD = insert(DATABASES)
_UPDATE = update(DATABASES).where(
    _OF.id == bindparam("known_id"), _OF.version == bindparam("known_version")
)


class SqlRegistry(Registry):
    """Every call is one statement in a transaction of its own, so that none can stay open, and
    nothing can be half done. A change is awaited to its end even when its caller is cancelled, who
    then finds what came of it.

    `reading` and `writing` are engines in autocommit mode, and may be the same one.
    """

    def __init__(self, reading: AsyncEngine, writing: AsyncEngine) -> None:
        self._reading = reading
        self._writing = writing

    async def add(self, database: Database) -> Database:
        kept = _kept(database)
        await self._change(_ADD, kept)
        return kept

    async def update(self, database: Database) -> Database:
        kept = _kept(database)
        if not await self._change(_UPDATE, kept, known_id=kept.id, known_version=database.version):
            await self.get(database.id)
            raise StaleRecord(f"Database {database.id} changed meanwhile; read it again.")
        return kept

    async def get(self, database_id: str) -> Database:
        if is_id(database_id):  # some of what is none cannot be said to a database
            for row in await self._rows(select(DATABASES).where(_OF.id == database_id)):
                return _read(row)
        raise DatabaseNotFound(f"There is no database {database_id!r}.")

    async def search(self, query: Query) -> list[Database]:
        # few are due: to find these and sort them is faster than to go through all in their order
        order = _OF.id if query.due is None else _OF.id.concat("")
        matching = select(DATABASES).where(*self._conditions(query))
        rows = await self._rows(matching.order_by(order.desc()).limit(query.limit))
        return [_read(row) for row in rows]

    async def ping(self) -> None:
        await self._written(_UPDATE, {"id": "", "known_id": "", "known_version": 0})

    async def _change(self, statement: Insert | Update, database: Database, **known: Any) -> int:
        """How many records it changed. Raises RequestKnown and NameTaken."""
        try:
            return await finished(self._written(statement, row_of(database) | known))
        except NameTaken:
            if await self._is_known(database):
                raise RequestKnown from None
            raise NameTaken(f"The name {database.names.database!r} is in use.") from None

    async def _is_known(self, database: Database) -> bool:
        """Whether another record has its request. A repeated request is for the same name as well,
        and the database tells only one of two things that are in the way."""
        request = database.request
        others = select(_OF.id).where(_OF.id != database.id)
        return bool(request and await self._rows(others.where(_OF.request_key == request.key)))

    def _conditions(self, query: Query) -> Iterator[ColumnElement[bool]]:
        if query.states:
            yield _OF.state.in_(sorted(query.states))
        if query.labels:
            yield from self._labelled(query.labels)
        if query.caller is not None:
            yield _OF.caller == query.caller
        if query.target is not None:
            yield _OF.target == query.target
        if query.due is not None:
            yield _OF.wake_at <= query.due
            yield _OF.state.concat("").in_(sorted(LIVE))  # what a newer version does is not ours
        if query.request is not None:
            yield _OF.request_key == query.request
        if query.before is not None:
            yield _OF.id < query.before

    def _labelled(self, labels: Mapping[str, str]) -> Iterator[ColumnElement[bool]]:
        """Without a path into the document, in which a label's key would have to be quoted."""
        if self._reading.dialect.name == "postgresql":
            yield type_coerce(_OF.labels, JSONB).contains(dict(labels))
            return
        for key, value in labels.items():
            label = func.json_each(_OF.labels).table_valued("key", "value")
            yield exists().select_from(label).where(label.c.key == key, label.c.value == value)

    async def _rows(self, statement: Select[Any]) -> Sequence[RowMapping]:
        with translated():
            async with self._reading.connect() as connection:
                rows: Sequence[RowMapping] = (await connection.execute(statement)).mappings().all()
                return rows

    async def _written(self, statement: Insert | Update, values: Mapping[str, Any]) -> int:
        with translated():
            async with self._writing.connect() as connection:
                return (await connection.execute(statement, values)).rowcount


def _kept(database: Database) -> Database:
    return replace(database, labels=dict(database.labels), version=database.version + 1)


def _read(row: RowMapping) -> Database:
    """Raises Unavailable: a newer version of us, or somebody else, has written it."""
    try:
        return database_of(row)
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable(f"The record of {row['id']} cannot be read by this pgvend.") from error
