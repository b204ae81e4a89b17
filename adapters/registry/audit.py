"""The audit trail in one table of an SQL database, which itself refuses that it is changed."""

from collections.abc import Iterator
from dataclasses import asdict

from sqlalchemy import ColumnElement, insert, select

from adapters.registry.schema import AUDIT
from adapters.registry.store import Store, is_sayable
from domain.audit import AuditEntry
from ports.driven.audit import AuditQuery, AuditTrail

_ADD = insert(AUDIT)


class SqlAuditTrail(AuditTrail):
    def __init__(self, store: Store) -> None:
        self._store = store

    async def append(self, entry: AuditEntry) -> None:
        await self._store.write(_ADD, asdict(entry))

    async def read(self, query: AuditQuery) -> list[AuditEntry]:
        if not all(map(is_sayable, filter(None, (query.caller, query.subject)))):
            return []
        matching = select(AUDIT).where(*_conditions(query))
        rows = await self._store.rows(matching.order_by(AUDIT.c.id.desc()).limit(query.limit))
        return [AuditEntry(**row) for row in rows]


def _conditions(query: AuditQuery) -> Iterator[ColumnElement[bool]]:
    if query.caller is not None:
        yield AUDIT.c.caller == query.caller
    if query.subject is not None:
        yield AUDIT.c.subject == query.subject
    if query.before is not None:
        yield AUDIT.c.id < query.before
