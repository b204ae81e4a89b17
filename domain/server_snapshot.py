"""Snapshots of a server, from which the guard decides."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from domain.locks import Lock

XID_WRAPAROUND = 1 << 32
"""The number of transaction ids, after which they start again; half of them are in the past."""

SCARCE_PARTS = 10
"""A resource is scarce if less than one part in this many is free."""


def age(next_id: int, transaction_id: int) -> int:
    """Return the number of ids used since `transaction_id`."""
    return (next_id - transaction_id) % XID_WRAPAROUND


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session of a tenant. `open_for` is the age of its transaction in seconds, `connected_for`
    that of the session; `held_id` is the oldest transaction id that it prevents from being frozen,
    `newest_id` the latest that it took. None if it has none, or if the guard may not see it.
    """

    pid: int
    tenant: str
    role: int
    database: str | None = None
    open_for: float | None = None
    connected_for: float | None = None
    held_id: int | None = None
    newest_id: int | None = None

    @property
    def party(self) -> int:
        return self.pid


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedTransaction:
    """A prepared transaction of a tenant, without a session; `owner` is its role."""

    gid: str
    tenant: str
    owner: str
    database: str
    open_for: float
    held_id: int

    @property
    def connected_for(self) -> float:
        return self.open_for

    @property
    def party(self) -> str:
        return self.gid


Suspect = Session | PreparedTransaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """The free and total amounts of a resource."""

    free: int
    total: int

    @property
    def is_scarce(self) -> bool:
        return self.free * SCARCE_PARTS < self.total


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSnapshot:
    """The sessions, locks and resources of a server at one moment.

    `guards` are the sessions of guards, `system_sessions` those without a role: autovacuum and
    unfinished logins. `next_id` is the next transaction id, `ages` has the age of the oldest one of
    each database. `can_end_sessions` and `can_see_transactions` are the guard's own permissions.
    """

    guards: Collection[int]
    sessions: Collection[Session] = ()
    prepared: Collection[PreparedTransaction] = ()
    locks: Collection[Lock] = ()
    system_sessions: Collection[int] = ()
    next_id: int = 0
    ages: Mapping[str, int] = field(default_factory=dict)
    connections: Capacity | None = None
    disk: Capacity | None = None
    can_end_sessions: bool = True
    can_see_transactions: bool = True

    @property
    def suspects(self) -> Collection[Suspect]:
        return (*self.sessions, *self.prepared)

    @property
    def oldest_age(self) -> int:
        return max(self.ages.values(), default=0)


class Reason(StrEnum):
    """Reasons to end a transaction."""

    WAITS = "waits_for_shared_lock"
    HOLDS = "holds_shared_lock"
    USES_IDS = "uses_up_transaction_ids"
    OLD = "older_than_limit"
    KEEPS_IDS = "keeps_transaction_ids"


@dataclass(frozen=True, slots=True)
class Termination:
    """A transaction to end: with its session, or by a rollback if it is prepared."""

    suspect: Suspect
    reason: Reason


class Concern(StrEnum):
    """Conditions of a server that need the operator's attention."""

    CANNOT_END = "cannot_end_sessions"
    CANNOT_SEE = "cannot_see_transactions"
    TRANSACTION_IDS = "transaction_ids"
    CONNECTIONS = "connections"
    DISK = "disk"
