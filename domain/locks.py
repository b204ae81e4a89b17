"""PostgreSQL's locks: their modes, and which session waits for which."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import IntEnum, StrEnum


class LockMode(IntEnum):
    """Lock modes from weak to strong; the names are those of `pg_locks.mode` without `Lock`."""

    AccessShare = 1
    RowShare = 2
    RowExclusive = 3
    ShareUpdateExclusive = 4
    Share = 5
    ShareRowExclusive = 6
    Exclusive = 7
    AccessExclusive = 8

    def conflicts_with(self, other: "LockMode") -> bool:
        """Return whether the modes conflict, by the table "Conflicting Lock Modes" of PostgreSQL's
        documentation."""
        weak, strong = sorted((self, other))
        return strong >= _FIRST_CONFLICT[weak]


_FIRST_CONFLICT = {
    LockMode.AccessShare: LockMode.AccessExclusive,
    LockMode.RowShare: LockMode.Exclusive,
    LockMode.RowExclusive: LockMode.Share,
    LockMode.ShareUpdateExclusive: LockMode.ShareUpdateExclusive,
    LockMode.Share: LockMode.ShareRowExclusive,
    LockMode.ShareRowExclusive: LockMode.ShareRowExclusive,
    LockMode.Exclusive: LockMode.Exclusive,
    LockMode.AccessExclusive: LockMode.AccessExclusive,
}
"""For each mode, the weakest mode that is not weaker and conflicts with it; all stronger modes
conflict too."""


class LockKind(StrEnum):
    """Kinds of lock targets that all databases of a server share, and transactions, for which other
    sessions wait. An OBJECT is the object of a row in a shared catalog: a database or a role.
    SHORT_LIVED are locks that no session can keep, such as those to extend a file or to send
    notifications."""

    CATALOG = "catalog"
    OBJECT = "object"
    TUPLE = "tuple"
    TRANSACTION = "transaction"
    SHORT_LIVED = "short_lived"


Party = int | str
"""The holder of a lock, or a waiter: a session's process id or a prepared transaction's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A lock on `target` or, if not `granted`, a wait for it; `waited` is in seconds.

    `tenant` is the tenant who owns an OBJECT, if any.
    """

    party: Party
    kind: LockKind
    target: str
    mode: LockMode
    granted: bool = True
    waited: float = 0.0
    tenant: str | None = None

    def blocks(self, other: "Lock") -> bool:
        """Return whether `other` waits for this lock, or behind this earlier wait."""
        if other.granted or self.party == other.party or self.target != other.target:
            return False
        comes_first = self.granted or self.waited > other.waited
        return comes_first and self.mode.conflicts_with(other.mode)


def find_blocked(locks: Collection[Lock]) -> Iterator[tuple[Lock, Lock]]:
    """Yield pairs of a lock or wait and a lock that waits for it."""
    by_target: dict[str, list[Lock]] = {}
    for lock in locks:
        by_target.setdefault(lock.target, []).append(lock)
    for waiting in locks:
        if not waiting.granted:
            for lock in by_target[waiting.target]:
                if lock.blocks(waiting):
                    yield lock, waiting
