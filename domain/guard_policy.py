"""The policy of a server's guard: which transactions it ends, and why.

It ends only tenants' transactions: a snapshot contains no others. Ordinary work, such as `pg_dump`
or a migration, holds weak locks on shared catalogs, sometimes a lock on its own database or role,
and waits for none of them.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from domain.locks import Kind, Lock, Mode, Party, blockings
from domain.server_snapshot import Concern, Ending, Look, Reason, Suspect, age
from domain.xid_usage import Burning

STRONG_ON_CATALOG = Mode.ShareUpdateExclusive
"""From this mode on, a tenant cannot get a lock on a shared catalog: it waits, and blocks the
sessions that wait behind it."""

STRONG_ON_OBJECT = Mode.Share
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

    patience: float = 2.0
    long_patience: float = 300.0
    oldest_transaction: float | None = None
    burnt: int = 500_000_000
    scarce: int = 1_000_000_000
    kept: int = 200_000_000
    burning: Burning = field(default_factory=Burning)

    def endings(self, look: Look, burning: Burning) -> list[Ending]:
        """Return the transactions to end, and why. Do not end the holders of a lock if ending the
        sessions that wait for it may be enough."""
        found = dict.fromkeys(self._waiting(look), Reason.WAITS)
        for suspect in self._holding(look, gone={each.party for each in found}):
            found.setdefault(suspect, Reason.HOLDS)
        for suspect in self._old(look):
            found.setdefault(suspect, Reason.OLD)
        for suspect, reason in self._wasting(look, burning):
            found.setdefault(suspect, reason)
        return [Ending(suspect, reason) for suspect, reason in found.items()]

    def steps_aside(self, look: Look) -> bool:
        """Return whether only the guard's own locks, and no tenant's, block the operator's work,
        such as VACUUM FULL or REINDEX of a shared catalog."""
        tenants = {suspect.party for suspect in look.suspects}
        waiting = [
            (lock.party, other.party)
            for lock, other in blockings(look.locks)
            if lock.kind is Kind.CATALOG and lock.granted and other.party not in tenants
        ]
        by_guards = {other for holder, other in waiting if holder in look.guards}
        by_tenants = {other for holder, other in waiting if holder in tenants}
        return bool(by_guards - by_tenants)

    def concerns(self, look: Look) -> Iterator[Concern]:
        if not look.may_end:
            yield Concern.POWERLESS
        if not look.may_see:
            yield Concern.BLIND
        if look.oldest_age >= self.burnt:
            yield Concern.IDS
        if look.places and look.places.is_scarce:
            yield Concern.CONNECTIONS
        if look.disk and look.disk.is_scarce:
            yield Concern.DISK

    def _waiting(self, look: Look) -> Iterator[Suspect]:
        suspects = _by_party(look)
        for lock in look.locks:
            suspect = suspects.get(lock.party)
            if suspect and not lock.granted and _is_strong(lock, suspect.tenant):
                yield suspect

    def _holding(self, look: Look, gone: Collection[Party]) -> Iterator[Suspect]:
        """Yield the suspects that another session waits for: because they hold its lock, or because
        they wait for it in front of the other session."""
        suspects = _by_party(look)
        tenants = {party: suspect.tenant for party, suspect in suspects.items()}
        working = {lock.party for lock in look.locks if _is_work(lock)}
        for lock, other in blockings([each for each in look.locks if each.party not in gone]):
            suspect = suspects.get(lock.party)
            if suspect is None or suspect.tenant == tenants.get(other.party):
                continue
            is_shared = other.kind is not Kind.TRANSACTION or other.party in working
            if is_shared and not _is_harmless(lock) and self._is_long(other, look):
                yield suspect

    def _is_long(self, waiting: Lock, look: Look) -> bool:
        is_autovacuum = waiting.kind is Kind.TRANSACTION and waiting.party in look.nameless
        return waiting.waited >= (self.long_patience if is_autovacuum else self.patience)

    def _old(self, look: Look) -> Iterator[Suspect]:
        limit = self.oldest_transaction
        for suspect in look.suspects:
            if limit is not None and suspect.open_for is not None and suspect.open_for >= limit:
                yield suspect

    def _wasting(self, look: Look, burning: Burning) -> Iterator[tuple[Suspect, Reason]]:
        if look.oldest_age >= self.burnt:
            for session in burning.burners(look):
                yield session, Reason.BURNS
        if look.oldest_age >= self.scarce:
            for suspect in look.suspects:
                if self._keeps_ids(suspect, look):
                    yield suspect, Reason.KEEPS_IDS

    def _keeps_ids(self, suspect: Suspect, look: Look) -> bool:
        """Return whether the suspect prevents transaction ids from being frozen: by its transaction
        or by a temporary table or a lock that autovacuum waits for. Only a session that has been in
        such a database for a long time can have the latter."""
        if suspect.held_id is not None and age(look.next_id, suspect.held_id) >= self.kept:
            return True
        is_within = look.ages.get(suspect.database or "", 0) >= self.scarce
        return is_within and suspect.lasts is not None and suspect.lasts >= HOUR


def _by_party(look: Look) -> dict[Party, Suspect]:
    return {suspect.party: suspect for suspect in look.suspects}


def _is_strong(lock: Lock, tenant: str) -> bool:
    """Return whether a wait for this lock is an attack. A tenant may wait for its own database and
    role: there, the guard checks the sessions that wait behind it instead."""
    if lock.kind is Kind.CATALOG:
        return lock.mode >= STRONG_ON_CATALOG
    return lock.kind is Kind.OBJECT and lock.tenant != tenant and lock.mode >= STRONG_ON_OBJECT


def _is_harmless(lock: Lock) -> bool:
    """Return whether the lock is a weak one on a catalog, which `pg_dump` also holds to its end."""
    is_weak = lock.kind is Kind.CATALOG and lock.mode is Mode.AccessShare
    return is_weak or lock.kind is Kind.PASSING


def _is_work(lock: Lock) -> bool:
    """Return whether the holder of this lock changes a shared catalog, and therefore waits for
    others that change it."""
    is_of_catalog = lock.kind in (Kind.CATALOG, Kind.TUPLE)
    return is_of_catalog and lock.granted and lock.mode >= Mode.RowExclusive
