"""The audit log in memory."""

from domain.audit import AuditEntry
from ports.driven.audit_log import AuditQuery, AuditTrail


class MemoryAuditTrail(AuditTrail):
    def __init__(self) -> None:
        self._kept: dict[str, AuditEntry] = {}

    async def append(self, entry: AuditEntry) -> None:
        self._kept.setdefault(entry.id, entry)

    async def read(self, query: AuditQuery) -> list[AuditEntry]:
        newest_first = sorted(self._kept.values(), key=lambda entry: entry.id, reverse=True)
        return [entry for entry in newest_first if _matches(entry, query)][: query.limit]


def _matches(entry: AuditEntry, query: AuditQuery) -> bool:
    return (
        query.caller in {None, entry.caller}
        and query.subject in {None, entry.subject}
        and (query.before is None or entry.id < query.before)
    )
