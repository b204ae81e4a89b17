"""The audit trail: who did what, when, from where, and what came of it."""

from dataclasses import dataclass
from datetime import datetime

PREFIX = "aud_"

DONE = "done"
"""The outcome of what did not end in an error."""

OURSELVES = "pgvend"
"""Who does what nobody asked for at that moment: the sweep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something that was done or tried. `subject` is the id of the database or key that it was
    done to, empty where there is none; `outcome` is `done`, or the code of the error."""

    caller: str
    key: str = ""
    action: str
    subject: str = ""
    address: str = ""
    request_id: str = ""
    outcome: str = DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry(Deed):
    """A deed as it was written down."""

    id: str
    at: datetime
