"""Records in one table of an SQL database."""

from collections.abc import Awaitable, Iterator, Mapping, Set
from dataclasses import replace
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    TextClause,
    bindparam,
    exists,
    func,
    literal,
    select,
    tuple_,
    type_coerce,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from adapters.registry.changes import add_row, update_row
from adapters.registry.executor import Executor, is_storable
from adapters.registry.rows import database_from_row
from adapters.registry.schema import DATABASES, IS_LIVE, IS_NOT_INTERNAL
from adapters.registry.server_time import ServerTime
from domain.audit import StoredAuditEvent
from domain.database import Database
from domain.errors import (
    DatabaseNotFound,
    NameTaken,
    PgvendError,
    QuotaReached,
    RequestAlreadyRecorded,
    StaleRecord,
    Unavailable,
)
from domain.ids import is_id
from domain.lifecycle import LISTED, LIVE, State
from ports.driven.registry import OVERLAP, Changes, Query, Registry

_COLUMNS = DATABASES.c

_PING = update(DATABASES).where(_COLUMNS.id == bindparam("no_id")).values(version=0)


class SqlRegistry(Registry):
    """A registry that runs one statement for a call, or two to count a quota."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def add(
        self,
        database: Database,
        quota: int | None = None,
        event: StoredAuditEvent | None = None,
    ) -> Database:
        saved = _next_version(database)
        if not await self._explain(saved, add_row(self._executor, saved, quota, event)):
            raise await self._explain_quota(saved, quota)
        return saved

    async def update(
        self,
        database: Database,
        quota: int | None = None,
        event: StoredAuditEvent | None = None,
    ) -> Database:
        saved = _next_version(database)
        change = update_row(self._executor, saved, database.version, quota, event)
        if not await self._explain(saved, change):
            if (await self.get(database.id)).version != database.version:
                raise StaleRecord(f"Database {database.id} changed meanwhile; read it again.")
            raise await self._explain_quota(saved, quota)
        return saved

    async def get(self, database_id: str) -> Database:
        if is_id(database_id):  # a database may reject the text of an invalid id
            for row in await self._executor.fetch(
                select(DATABASES).where(_COLUMNS.id == database_id)
            ):
                return _read_row(row)
        raise DatabaseNotFound(f"There is no database {database_id!r}.")

    async def search(self, query: Query) -> list[Database]:
        if not all(map(is_storable, filter(None, (query.nickname, query.database)))):
            return []
        # few are due: finding and sorting these is faster than reading all in order
        sort_key = _COLUMNS.id if query.due is None else _COLUMNS.id.concat("")
        matching = select(DATABASES).where(*self._conditions(query))
        newest_first = matching.order_by(_COLUMNS.created_at.desc(), sort_key.desc())
        rows = await self._executor.fetch(newest_first.limit(query.limit))
        return [_read_row(row) for row in rows]

    async def count_live(self, caller: str) -> int:
        counted = select(func.count().label("number")).select_from(DATABASES)
        [row] = await self._executor.fetch(counted.where(_COLUMNS.caller == caller, IS_LIVE))
        return int(row["number"])

    async def count_states(self) -> Mapping[State, int]:
        counted = select(_COLUMNS.state, func.count().label("number")).group_by(_COLUMNS.state)
        counted = counted.where(_COLUMNS.state.in_(sorted(LIVE)))
        if self._executor.is_postgres:  # in SQLite, the index on the state holds all it needs
            counted = counted.where(IS_LIVE)
        rows = await self._executor.fetch(counted)
        return dict.fromkeys(LIVE, 0) | {State(row["state"]): row["number"] for row in rows}

    async def list_changes(self, since: datetime | None = None) -> Changes:
        if since is None:
            (row,) = await self._executor.fetch(select(ServerTime().label("until")))
            since = row["until"]
        begin = literal(since - OVERLAP, _COLUMNS.changed_at.type)
        now = select(ServerTime().label("until")).subquery()
        changed = now.outerjoin(DATABASES, _COLUMNS.changed_at > begin)
        rows = await self._executor.fetch(
            select(now.c.until, _COLUMNS.id, _COLUMNS.version).select_from(changed)
        )
        versions = {row["id"]: row["version"] for row in rows if row["id"] is not None}
        return Changes(versions=versions, until=rows[0]["until"])

    async def ping(self) -> None:
        await self._executor.write(_PING, {"no_id": ""})

    async def _explain(self, database: Database, change: Awaitable[int]) -> int:
        """Return the result of the change. Raises NameTaken, and RequestAlreadyRecorded if both
        conflicts apply."""
        try:
            return await change
        except NameTaken:
            if await self._is_request_known(database):
                raise RequestAlreadyRecorded from None
            raise NameTaken(f"The name {database.names.database!r} is in use.") from None

    async def _explain_quota(self, database: Database, quota: int | None) -> PgvendError:
        """Return the error for a record that the quota refused: a repeated request is known."""
        is_known = await self._is_request_known(database)
        return RequestAlreadyRecorded() if is_known else QuotaReached(quota=quota or 0)

    async def _is_request_known(self, database: Database) -> bool:
        """Return whether another record has the same idempotency key. A repeated request asks for
        the same name too, and the database reports only one of the two conflicts."""
        idempotency_key = database.idempotency_key
        if idempotency_key is None:
            return False
        others = select(_COLUMNS.id).where(
            _COLUMNS.id != database.id, _COLUMNS.request_key == idempotency_key.key
        )
        return bool(await self._executor.fetch(others))

    def _conditions(self, query: Query) -> Iterator[ColumnElement[bool] | TextClause]:
        yield from _state_conditions(query.states, is_named=_is_named(query))
        if query.ids is not None:
            yield _COLUMNS.id.in_(sorted(query.ids))
        if query.labels:
            yield from self._label_conditions(query.labels)
        if query.target is not None:
            yield self._target_column == query.target
        yield from _name_conditions(query)
        if query.shape is not None:
            yield _COLUMNS.shape == query.shape
        if query.due is not None:
            yield _COLUMNS.wake_at <= query.due
            # skip the unknown states of a newer pgvend
            yield _COLUMNS.state.concat("").in_(sorted(LIVE))
        if query.idempotency_key is not None:
            yield _COLUMNS.request_key == query.idempotency_key
        if query.before is not None:
            created_at = literal(query.before.created_at, _COLUMNS.created_at.type)
            position = tuple_(created_at, query.before.id)
            yield tuple_(_COLUMNS.created_at, _COLUMNS.id) < position

    @property
    def _target_column(self) -> ColumnElement[str]:
        """Not indexed in SQLite, which would sort all records of a target for each page.
        PostgreSQL compares the cost by its statistics."""
        return _COLUMNS.target if self._executor.is_postgres else _COLUMNS.target.concat("")

    def _label_conditions(self, labels: Mapping[str, str]) -> Iterator[ColumnElement[bool]]:
        """Yield conditions without a path into the document: the key would need quoting in it."""
        if self._executor.is_postgres:
            yield type_coerce(_COLUMNS.labels, JSONB).contains(dict(labels))
            return
        for key, value in labels.items():
            label = func.json_each(_COLUMNS.labels).table_valued("key", "value")
            yield exists().select_from(label).where(label.c.key == key, label.c.value == value)


def _is_named(query: Query) -> bool:
    return query.nickname is not None or query.database is not None


def _state_conditions(
    states: Set[State], *, is_named: bool
) -> Iterator[ColumnElement[bool] | TextClause]:
    """Yield conditions by which an index finds the records, in the order of a page. A name is rarer
    than a state: rule out the index on the state."""
    if states and states <= LIVE:
        yield IS_LIVE
    if states == LISTED:
        yield IS_NOT_INTERNAL
    elif states and states != LIVE:
        yield (_COLUMNS.state.concat("") if is_named else _COLUMNS.state).in_(sorted(states))


def _name_conditions(query: Query) -> Iterator[ColumnElement[bool]]:
    """Yield conditions on the caller and the names. A database's name is rarer than its caller,
    which SQLite does not know: rule out the index on the caller."""
    if query.caller is not None:
        is_named = query.database is not None
        yield (_COLUMNS.caller.concat("") if is_named else _COLUMNS.caller) == query.caller
    if query.nickname is not None:
        yield _COLUMNS.nickname == query.nickname
    if query.database is not None:
        yield _COLUMNS.database == query.database


def _next_version(database: Database) -> Database:
    return replace(database, labels=dict(database.labels), version=database.version + 1)


def _read_row(row: RowMapping) -> Database:
    """Return the record of a row. Raises Unavailable for a row that a newer pgvend or another
    program wrote."""
    try:
        return database_from_row(row)
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable(
            f"This pgvend cannot read the record {row['id']}: upgrade it if a newer one wrote it."
        ) from error
