"""The audit trail: who did what, when, from where, and what came of it."""

from dataclasses import dataclass
from datetime import datetime

PREFIX = "aud_"

OURSELVES = "pgvend"
"""Who does what nobody asked for at that moment: the sweep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """`subject` is the id of the database or key that it was done to, empty where there is none;
    `outcome` is `done`, or the code of the error that it ended in."""

    id: str
    at: datetime
    caller: str
    key: str = ""
    action: str
    subject: str = ""
    address: str = ""
    request_id: str = ""
    outcome: str
