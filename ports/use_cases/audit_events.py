"""Record and read audit events."""

from dataclasses import dataclass

from domain.audit import PREFIX, AuditEvent, StoredAuditEvent
from ports.driven.audit_log import AuditLog, AuditQuery
from ports.driven.clock import Clock
from ports.driven.randomness import Randomness
from ports.use_cases.pagination import parse_token, split_page
from ports.use_cases.pending_event import PendingEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRequest:
    """A page of the audit log; None for `caller` or `subject` means any."""

    caller: str | None = None
    subject: str | None = None
    page_token: str = ""
    page_size: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    entries: list[StoredAuditEvent]
    next_page_token: str  # empty on the last page


@dataclass(frozen=True, kw_only=True)
class AuditEvents:
    audit_log: AuditLog
    clock: Clock
    randomness: Randomness

    async def record(self, event: AuditEvent) -> None:
        """Record an event at the current time. Raises Unavailable."""
        await self.audit_log.append(self.prepare(event).to_stored(event.subject))

    def prepare(self, event: AuditEvent) -> PendingEvent:
        """Return the event for a use case that stores it together with a change of a record."""
        return PendingEvent(event=event, clock=self.clock, randomness=self.randomness)

    async def read(self, request: AuditRequest) -> AuditPage:
        """Return a page of entries, newest first. Raises InvalidPageToken."""
        query = AuditQuery(
            caller=request.caller,
            subject=request.subject,
            before=parse_token(request.page_token, PREFIX),
            limit=request.page_size + 1,  # one more, to know whether there is a next page
        )
        page, token = split_page(await self.audit_log.read(query), request.page_size)
        return AuditPage(entries=page, next_page_token=token)
