"""The audit event of a call, which its use case stores together with a change of a record."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from domain.audit import PREFIX, AuditEvent, StoredAuditEvent
from domain.database import Database
from domain.ids import RANDOM_BYTES, new_id
from ports.driven.clock import Clock
from ports.driven.randomness import Randomness


@dataclass(kw_only=True)
class PendingEvent:
    """The event of a call that succeeds.

    The use case stores it in the transaction of the record's last change: no crash separates them.
    The caller of the use case stores the event afterwards unless it `is_stored`: a call may succeed
    without a change.
    """

    event: AuditEvent
    clock: Clock
    randomness: Randomness
    is_stored: bool = False

    def to_stored(self, subject: str) -> StoredAuditEvent:
        """Return the event on this subject, at the current time."""
        now = self.clock.now()
        event_id = new_id(now, self.randomness.entropy(RANDOM_BYTES), PREFIX)
        values = {**self.event.to_values(), "subject": subject}
        return StoredAuditEvent(id=event_id, at=now, **values)


@contextmanager
def storing(pending: PendingEvent | None, database: Database) -> Iterator[StoredAuditEvent | None]:
    """Yield the event to store together with a change of the record, or None without one and after
    it was stored. A body that raises did not store it."""
    if pending is None or pending.is_stored:
        yield None
        return
    yield pending.to_stored(database.id)
    pending.is_stored = True
