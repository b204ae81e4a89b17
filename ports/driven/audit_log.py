"""The audit log."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from domain.audit import StoredAuditEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """A page of entries, newest first, that are older than the id `before`."""

    caller: str | None = None  # None, here and below: any
    subject: str | None = None
    before: str | None = None
    limit: int = 50


class AuditLog(ABC):
    """Append-only: no entry is ever changed or removed, not even by another program, as far as the
    store can prevent that. Every method may raise Unavailable."""

    @abstractmethod
    async def append(self, entry: StoredAuditEvent) -> None:
        """Store the entry durably. After a failure it is stored completely or not at all."""

    @abstractmethod
    async def read(self, query: AuditQuery) -> list[StoredAuditEvent]:
        """Return the entries that match, by descending id, at most `query.limit` of them."""
