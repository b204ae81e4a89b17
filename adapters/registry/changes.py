"""The statements that change a record: within a quota, and together with an audit event."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Insert, Update, bindparam, func, insert, select, text, update

from adapters.registry.audit_log import create_append
from adapters.registry.executor import Executor
from adapters.registry.rows import row_from_database
from adapters.registry.schema import AUDIT, DATABASES, IS_LIVE
from adapters.registry.server_time import ServerTime
from domain.audit import StoredAuditEvent
from domain.database import Database

_COLUMNS = DATABASES.c

# no parameter has a column's name, which SQLAlchemy reserves for the values of a statement
_NEW: Mapping[str, ColumnElement[Any]] = {
    column.key: bindparam(f"new_{column.key}", type_=column.type)
    for column in _COLUMNS
    if column.key != "changed_at"
} | {"changed_at": ServerTime()}
_EVENT = {column.key: bindparam(f"event_{column.key}", type_=column.type) for column in AUDIT.c}

_COUNT_OF_CALLER = (
    select(func.count())
    .select_from(DATABASES)
    .where(_COLUMNS.caller == _NEW["caller"], IS_LIVE)
    .correlate(None)
    .scalar_subquery()
)
_IS_WITHIN_QUOTA = bindparam("quota", type_=_COLUMNS.version.type) > _COUNT_OF_CALLER
_LOCK_CALLER = text(
    "SELECT pg_advisory_xact_lock(hashtextextended('pgvend quota ' || :new_caller, 0))"
)

_ADD = insert(DATABASES).values(_NEW)
_ADD_WITHIN_QUOTA = insert(DATABASES).from_select(
    list(_NEW), select(*_NEW.values()).where(_IS_WITHIN_QUOTA)
)
_UPDATE = (
    update(DATABASES)
    .where(_COLUMNS.id == _NEW["id"], _COLUMNS.version == bindparam("known_version"))
    .values({key: value for key, value in _NEW.items() if key != "id"})
)
_UPDATE_WITHIN_QUOTA = _UPDATE.where(_IS_WITHIN_QUOTA)


def _append_event(change: Insert | Update) -> Insert:
    """Return the statement that makes the change, and appends an event if it changed a row."""
    changed = change.returning(_COLUMNS.id).cte("changed")
    event = select(*_EVENT.values()).select_from(changed)
    return insert(AUDIT).from_select(list(_EVENT), event)


_WITH_EVENT: Mapping[Insert | Update, Insert] = {
    change: _append_event(change)
    for change in (_ADD, _ADD_WITHIN_QUOTA, _UPDATE, _UPDATE_WITHIN_QUOTA)
}
"""By the statement without an event. SQLite has no such statements."""


async def add_row(
    executor: Executor, database: Database, quota: int | None, event: StoredAuditEvent | None
) -> int:
    """Add the record, and return how many were added: 0 if the quota is reached. Raises NameTaken,
    RequestAlreadyRecorded and Unavailable."""
    statement = _ADD if quota is None else _ADD_WITHIN_QUOTA
    return await _run(executor, statement, {"quota": quota} | _name(database), event)


async def update_row(
    executor: Executor,
    database: Database,
    known_version: int,
    quota: int | None,
    event: StoredAuditEvent | None,
) -> int:
    """Replace the record of that version, and return how many were replaced: 0 if the version is
    another one or the quota is reached. Raises as `add_row` does."""
    statement = _UPDATE if quota is None else _UPDATE_WITHIN_QUOTA
    values = {"quota": quota, "known_version": known_version} | _name(database)
    return await _run(executor, statement, values, event)


async def _run(
    executor: Executor,
    statement: Insert | Update,
    values: Mapping[str, Any],
    event: StoredAuditEvent | None,
) -> int:
    """Run the change. SQLite has one writer at a time, and its statements take no time on a
    network; on a server a lock for each caller protects the quota, and one statement does all."""
    if not executor.is_postgres:
        return await executor.write(statement, values, then=create_append(event) if event else None)
    lock = None if values["quota"] is None else _LOCK_CALLER
    if event:
        statement = _WITH_EVENT[statement]
        values = {**values, **{f"event_{key}": value for key, value in event.to_values().items()}}
    return await executor.write(statement, values, first=lock)


def _name(database: Database) -> dict[str, Any]:
    return {f"new_{key}": value for key, value in row_from_database(database).items()}
