"""PostgreSQL's lock modes, and who waits for whom."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Mode(IntEnum):
    """From weak to strong; the names are those of `pg_locks.mode`, without `Lock`."""

    AccessShare = 1
    RowShare = 2
    RowExclusive = 3
    ShareUpdateExclusive = 4
    Share = 5
    ShareRowExclusive = 6
    Exclusive = 7
    AccessExclusive = 8

    def conflicts_with(self, other: "Mode") -> bool:
        """Tell whether the modes exclude each other, by the table "Conflicting Lock Modes" of
        PostgreSQL's documentation."""
        weak, strong = sorted((self, other))
        return strong >= _FIRST_CONFLICT[weak]


_FIRST_CONFLICT = {
    Mode.AccessShare: Mode.AccessExclusive,
    Mode.RowShare: Mode.Exclusive,
    Mode.RowExclusive: Mode.Share,
    Mode.ShareUpdateExclusive: Mode.ShareUpdateExclusive,
    Mode.Share: Mode.ShareRowExclusive,
    Mode.ShareRowExclusive: Mode.ShareRowExclusive,
    Mode.Exclusive: Mode.Exclusive,
    Mode.AccessExclusive: Mode.AccessExclusive,
}
"""The weakest mode, from the mode itself on, that conflicts with it; all stronger ones do too."""


class Kind(StrEnum):
    """What all databases of a server share, and can be locked; and transactions, for which others
    wait. An OBJECT is what a row of a shared catalog stands for: a database, a role. PASSING are
    locks that no session can keep, such as those to extend a file or to send notifications."""

    CATALOG = "catalog"
    OBJECT = "object"
    TUPLE = "tuple"
    TRANSACTION = "transaction"
    PASSING = "passing"


Party = int | str
"""Who holds a lock, or waits for one: a session's process id, a prepared transaction's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A lock on `target`, or, not `granted`, the wait for one, of so many seconds.

    `tenant` is whose database or role an OBJECT is, if it is a tenant's.
    """

    party: Party
    kind: Kind
    target: str
    mode: Mode
    granted: bool = True
    waited: float = 0.0
    tenant: str | None = None

    def blocks(self, other: "Lock") -> bool:
        """Tell whether `other` waits for this lock, or for this wait, which came first."""
        if other.granted or self.party == other.party or self.target != other.target:
            return False
        comes_first = self.granted or self.waited > other.waited
        return comes_first and self.mode.conflicts_with(other.mode)


def blockings(locks: Collection[Lock]) -> Iterator[tuple[Lock, Lock]]:
    """Yield every lock, or wait, with each one that waits for it."""
    by_target: dict[str, list[Lock]] = {}
    for lock in locks:
        by_target.setdefault(lock.target, []).append(lock)
    for waiting in locks:
        if not waiting.granted:
            for lock in by_target[waiting.target]:
                if lock.blocks(waiting):
                    yield lock, waiting
