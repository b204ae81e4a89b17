"""Audit events: who did what, when, from which address, and the outcome."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

PREFIX = "aud_"

DONE = "done"
"""The outcome of an action that did not end in an error."""

SYSTEM_CALLER = "pgvend"
"""The caller name of actions that the service takes by itself: reconciliation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """An action that was done or tried. `subject` is the id of the database or API key that the
    action is on, empty if it is on neither; `outcome` is `done` or the code of the error."""

    caller: str
    key: str = ""
    action: str
    subject: str = ""
    address: str = ""
    request_id: str = ""
    outcome: str = DONE

    def to_values(self) -> dict[str, Any]:
        """Return the fields by name, as `asdict` does, which also copies each value."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAuditEvent(AuditEvent):
    """An audit event in the audit log."""

    id: str
    at: datetime
