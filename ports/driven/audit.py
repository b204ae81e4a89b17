"""Where it is written down who did what."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from domain.audit import AuditEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """The newest entries first, those older than the id `before`."""

    caller: str | None = None  # none, here and below: any
    subject: str | None = None
    before: str | None = None
    limit: int = 50


class AuditTrail(ABC):
    """Only ever grows: what was appended is neither changed nor removed, not by other programs
    either, as far as the store can see to that. Every method may raise Unavailable."""

    @abstractmethod
    async def append(self, entry: AuditEntry) -> None:
        """Keep the entry, durably; made whole or not at all when it is cut off."""

    @abstractmethod
    async def read(self, query: AuditQuery) -> list[AuditEntry]:
        """The entries that match, by descending id, at most `query.limit` of them."""
