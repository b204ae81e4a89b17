"""Snapshots of a server, from which the guard decides."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from domain.locks import Lock

WRAP = 1 << 32
"""The number of transaction ids, after which they start again; half of them are in the past."""

SCARCE = 10
"""A resource is scarce if less than one part in this many is free."""


def age(next_id: int, transaction_id: int) -> int:
    """Return the number of ids used since `transaction_id`."""
    return (next_id - transaction_id) % WRAP


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
    lasts: float | None = None
    held_id: int | None = None
    newest_id: int | None = None

    @property
    def party(self) -> int:
        return self.pid


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A prepared transaction of a tenant, without a session; `owner` is its role."""

    gid: str
    tenant: str
    owner: str
    database: str
    open_for: float
    held_id: int

    @property
    def lasts(self) -> float:
        return self.open_for

    @property
    def party(self) -> str:
        return self.gid


Suspect = Session | Prepared


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """The free and total amounts of a resource."""

    free: int
    total: int

    @property
    def is_scarce(self) -> bool:
        return self.free * SCARCE < self.total


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The sessions, locks and resources of a server at one moment.

    `guards` are the sessions of guards, `nameless` those without a role: autovacuum and
    unfinished logins. `next_id` is the next transaction id, `ages` has the age of the oldest one of
    each database. `can_end_sessions` and `can_see_transactions` are the guard's own permissions.
    """

    guards: Collection[int]
    sessions: Collection[Session] = ()
    prepared: Collection[Prepared] = ()
    locks: Collection[Lock] = ()
    nameless: Collection[int] = ()
    next_id: int = 0
    ages: Mapping[str, int] = field(default_factory=dict)
    places: Room | None = None
    disk: Room | None = None
    may_end: bool = True
    may_see: bool = True

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
    BURNS = "uses_up_transaction_ids"
    OLD = "older_than_limit"
    KEEPS_IDS = "keeps_transaction_ids"


@dataclass(frozen=True, slots=True)
class Ending:
    """A transaction to end: with its session, or by a rollback if it is prepared."""

    suspect: Suspect
    reason: Reason


class Concern(StrEnum):
    """Conditions of a server that need the operator's attention."""

    POWERLESS = "cannot_end_sessions"
    BLIND = "cannot_see_transactions"
    IDS = "transaction_ids"
    CONNECTIONS = "connections"
    DISK = "disk"
