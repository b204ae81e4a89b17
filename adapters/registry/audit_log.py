"""The audit log in one table of an SQL database. Triggers in the database refuse every change."""

from collections.abc import Iterator, Mapping

from sqlalchemy import ColumnElement, RowMapping, insert, select

from adapters.registry.executor import Change, Executor, is_storable
from adapters.registry.schema import AUDIT
from domain.audit import StoredAuditEvent
from ports.driven.audit_log import AuditLog, AuditQuery

_ADD = insert(AUDIT)

FORMER_ACTIONS: Mapping[str, str] = {
    "sweep": "reconcile",
    "sweep.add_extension": "reconcile.add_extension",
    "sweep.adopt": "reconcile.import",
    "sweep.confine": "reconcile.set_read_only",
    "sweep.delete": "reconcile.delete",
    "sweep.expire": "reconcile.expire",
    "sweep.finish": "reconcile.finish",
    "sweep.forget": "reconcile.mark_missing",
    "sweep.release": "reconcile.clear_read_only",
    "sweep.remove": "reconcile.delete_leftover",
    "sweep.rename": "reconcile.rename",
    "sweep.restore": "reconcile.restore",
    "sweep.retire": "reconcile.delete",
    "sweep.rotate": "reconcile.rotate",
    "sweep.undo": "reconcile.undo",
    "sweep.warn": "reconcile.warn",
}
"""The present name of each action that earlier releases recorded. The table refuses every change,
so no migration can rewrite the entries."""


def create_append(entry: StoredAuditEvent) -> Change:
    """Return the statement that appends the entry, to run alone or with a change of a record."""
    return _ADD, entry.to_values()


class SqlAuditLog(AuditLog):
    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def append(self, entry: StoredAuditEvent) -> None:
        await self._executor.write(*create_append(entry))

    async def read(self, query: AuditQuery) -> list[StoredAuditEvent]:
        if not all(map(is_storable, filter(None, (query.caller, query.subject)))):
            return []
        matching = select(AUDIT).where(*_conditions(query))
        rows = await self._executor.fetch(matching.order_by(AUDIT.c.id.desc()).limit(query.limit))
        return [_entry_from_row(row) for row in rows]


def _entry_from_row(row: RowMapping) -> StoredAuditEvent:
    action = FORMER_ACTIONS.get(row["action"], row["action"])
    return StoredAuditEvent(**{**row, "action": action})


def _conditions(query: AuditQuery) -> Iterator[ColumnElement[bool]]:
    if query.caller is not None:
        yield AUDIT.c.caller == query.caller
    if query.subject is not None:
        yield AUDIT.c.subject == query.subject
    if query.before is not None:
        yield AUDIT.c.id < query.before
