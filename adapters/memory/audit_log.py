"""The audit log in memory."""

from domain.audit import StoredAuditEvent
from ports.driven.audit_log import AuditLog, AuditQuery


class MemoryAuditLog(AuditLog):
    def __init__(self) -> None:
        self._entries: dict[str, StoredAuditEvent] = {}

    async def append(self, entry: StoredAuditEvent) -> None:
        self.add(entry)

    def add(self, entry: StoredAuditEvent) -> None:
        """Append an entry together with a change of a record, without an await between them."""
        self._entries.setdefault(entry.id, entry)

    async def read(self, query: AuditQuery) -> list[StoredAuditEvent]:
        newest_first = sorted(self._entries.values(), key=lambda entry: entry.id, reverse=True)
        return [entry for entry in newest_first if _matches(entry, query)][: query.limit]


def _matches(entry: StoredAuditEvent, query: AuditQuery) -> bool:
    return (
        query.caller in {None, entry.caller}
        and query.subject in {None, entry.subject}
        and (query.before is None or entry.id < query.before)
    )
