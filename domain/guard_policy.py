"""The policy of a server's guard: which transactions it ends, and why.

It ends only tenants' transactions: a snapshot contains no others. Ordinary work, such as `pg_dump`
or a migration, holds weak locks on shared catalogs, sometimes a lock on its own database or role,
and waits for none of them.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from domain.locks import Lock, LockKind, LockMode, Party, find_blocked
from domain.server_snapshot import Concern, Reason, ServerSnapshot, Suspect, Termination, age
from domain.xid_usage import XidUsage

STRONG_ON_CATALOG = LockMode.ShareUpdateExclusive
"""From this mode on, a tenant cannot get a lock on a shared catalog: it waits, and blocks the
sessions that wait behind it."""

STRONG_ON_OBJECT = LockMode.Share
"""From this mode on, a lock on a database blocks logins."""

HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardPolicy:
    """Limits of the guard. Times are in seconds, ages in transaction ids.

    The guard ends a tenant's session when others have waited for its lock for `max_wait`;
    autovacuum waits for a tenant's change of its own entries for `max_autovacuum_wait`.
    `oldest_transaction` limits the age of a transaction; None sets no limit. From `high_age` on,
    the guard ends a session that uses up ids; from `critical_age` on, also a session that prevents
    more than `max_held_age` ids from being frozen. `xid_usage` has the thresholds for using up ids,
    and an empty history.
    """

    max_wait: float = 2.0
    max_autovacuum_wait: float = 300.0
    oldest_transaction: float | None = None
    high_age: int = 500_000_000
    critical_age: int = 1_000_000_000
    max_held_age: int = 200_000_000
    xid_usage: XidUsage = field(default_factory=XidUsage)

    def find_terminations(self, snapshot: ServerSnapshot, xid_usage: XidUsage) -> list[Termination]:
        """Return the transactions to end, and why. Do not end the holders of a lock if ending the
        sessions that wait for it may be enough."""
        found = dict.fromkeys(self._find_waiters(snapshot), Reason.WAITS)
        for suspect in self._find_holders(snapshot, ended={each.party for each in found}):
            found.setdefault(suspect, Reason.HOLDS)
        for suspect in self._find_old(snapshot):
            found.setdefault(suspect, Reason.OLD)
        for suspect, reason in self._find_id_users(snapshot, xid_usage):
            found.setdefault(suspect, reason)
        return [Termination(suspect, reason) for suspect, reason in found.items()]

    def should_yield(self, snapshot: ServerSnapshot) -> bool:
        """Return whether only the guard's own locks, and no tenant's, block the operator's work,
        such as VACUUM FULL or REINDEX of a shared catalog."""
        tenants = {suspect.party for suspect in snapshot.suspects}
        waiting = [
            (lock.party, other.party)
            for lock, other in find_blocked(snapshot.locks)
            if lock.kind is LockKind.CATALOG and lock.granted and other.party not in tenants
        ]
        by_guards = {other for holder, other in waiting if holder in snapshot.guards}
        by_tenants = {other for holder, other in waiting if holder in tenants}
        return bool(by_guards - by_tenants)

    def find_concerns(self, snapshot: ServerSnapshot) -> Iterator[Concern]:
        """Yield the conditions of the server that need the operator's attention."""
        if not snapshot.can_end_sessions:
            yield Concern.CANNOT_END
        if not snapshot.can_see_transactions:
            yield Concern.CANNOT_SEE
        if snapshot.oldest_age >= self.high_age:
            yield Concern.TRANSACTION_IDS
        if snapshot.connections and snapshot.connections.is_scarce:
            yield Concern.CONNECTIONS
        if snapshot.disk and snapshot.disk.is_scarce:
            yield Concern.DISK

    def _find_waiters(self, snapshot: ServerSnapshot) -> Iterator[Suspect]:
        suspects = _index_suspects(snapshot)
        for lock in snapshot.locks:
            suspect = suspects.get(lock.party)
            if suspect and not lock.granted and _is_strong(lock, suspect.tenant):
                yield suspect

    def _find_holders(
        self, snapshot: ServerSnapshot, ended: Collection[Party]
    ) -> Iterator[Suspect]:
        """Yield the suspects that another session waits for: because they hold its lock, or because
        they wait for it in front of the other session."""
        suspects = _index_suspects(snapshot)
        tenants = {party: suspect.tenant for party, suspect in suspects.items()}
        working = {lock.party for lock in snapshot.locks if _changes_catalog(lock)}
        for lock, other in find_blocked(
            [each for each in snapshot.locks if each.party not in ended]
        ):
            suspect = suspects.get(lock.party)
            if suspect is None or suspect.tenant == tenants.get(other.party):
                continue
            is_shared = other.kind is not LockKind.TRANSACTION or other.party in working
            if is_shared and not _is_harmless(lock) and self._waits_too_long(other, snapshot):
                yield suspect

    def _waits_too_long(self, waiting: Lock, snapshot: ServerSnapshot) -> bool:
        is_autovacuum = (
            waiting.kind is LockKind.TRANSACTION and waiting.party in snapshot.system_sessions
        )
        return waiting.waited >= (self.max_autovacuum_wait if is_autovacuum else self.max_wait)

    def _find_old(self, snapshot: ServerSnapshot) -> Iterator[Suspect]:
        limit = self.oldest_transaction
        for suspect in snapshot.suspects:
            if limit is not None and suspect.open_for is not None and suspect.open_for >= limit:
                yield suspect

    def _find_id_users(
        self, snapshot: ServerSnapshot, xid_usage: XidUsage
    ) -> Iterator[tuple[Suspect, Reason]]:
        if snapshot.oldest_age >= self.high_age:
            for session in xid_usage.find_heavy_users(snapshot):
                yield session, Reason.USES_IDS
        if snapshot.oldest_age >= self.critical_age:
            for suspect in snapshot.suspects:
                if self._keeps_ids(suspect, snapshot):
                    yield suspect, Reason.KEEPS_IDS

    def _keeps_ids(self, suspect: Suspect, snapshot: ServerSnapshot) -> bool:
        """Return whether the suspect prevents transaction ids from being frozen: by its transaction
        or by a temporary table or a lock that autovacuum waits for. Only a session that has been in
        such a database for a long time can have the latter."""
        if (
            suspect.held_id is not None
            and age(snapshot.next_id, suspect.held_id) >= self.max_held_age
        ):
            return True
        is_in_old_database = snapshot.ages.get(suspect.database or "", 0) >= self.critical_age
        return (
            is_in_old_database
            and suspect.connected_for is not None
            and suspect.connected_for >= HOUR
        )


def _index_suspects(snapshot: ServerSnapshot) -> dict[Party, Suspect]:
    return {suspect.party: suspect for suspect in snapshot.suspects}


def _is_strong(lock: Lock, tenant: str) -> bool:
    """Return whether a wait for this lock is an attack. A tenant may wait for its own database and
    role: there, the guard checks the sessions that wait behind it instead."""
    if lock.kind is LockKind.CATALOG:
        return lock.mode >= STRONG_ON_CATALOG
    return lock.kind is LockKind.OBJECT and lock.tenant != tenant and lock.mode >= STRONG_ON_OBJECT


def _is_harmless(lock: Lock) -> bool:
    """Return whether the lock is a weak one on a catalog, which `pg_dump` also holds to its end."""
    is_weak = lock.kind is LockKind.CATALOG and lock.mode is LockMode.AccessShare
    return is_weak or lock.kind is LockKind.SHORT_LIVED


def _changes_catalog(lock: Lock) -> bool:
    """Return whether the holder of this lock changes a shared catalog, and therefore waits for
    others that change it."""
    is_of_catalog = lock.kind in (LockKind.CATALOG, LockKind.TUPLE)
    return is_of_catalog and lock.granted and lock.mode >= LockMode.RowExclusive
