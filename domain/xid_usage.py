"""Detection of sessions that use up the server's transaction ids."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from domain.server_snapshot import XID_WRAPAROUND, ServerSnapshot, Session, age

MIN_IDS_USED = 20_000
"""Ids used between two snapshots; below this, no session is suspected. At 10,000 ids a second, all
transaction ids are used up in two days."""

SNAPSHOTS_KEPT = 20

MIN_HITS = 6
"""Number of recent snapshots in which a session must have taken an id recently to be reported."""

RECENT_FRACTION = 1000
"""An id is recent if it is among the last thousandth of the ids used since the previous snapshot. A
session that takes few ids rarely has a recent one; a session that takes most of them nearly always
does.
"""

Hits = tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class XidUsage:
    """History of earlier snapshots: the next id in the last one and, for each session, whether it
    had taken an id recently, oldest snapshot first."""

    min_ids_used: int = MIN_IDS_USED
    min_hits: int = MIN_HITS
    next_id: int | None = None
    hits: Mapping[tuple[int, int], Hits] = field(default_factory=dict)

    def with_snapshot(self, snapshot: ServerSnapshot) -> "XidUsage":
        """Return the history with one more snapshot. The next id never decreases: the id of a
        subtransaction is visible only until the subtransaction ends."""
        used = 0 if self.next_id is None else age(snapshot.next_id, self.next_id)
        is_behind = used >= XID_WRAPAROUND // 2
        hits = {
            _session_key(session): (
                *self.hits.get(_session_key(session), ()),
                not is_behind and used >= self.min_ids_used and _is_recent(session, snapshot, used),
            )[-SNAPSHOTS_KEPT:]
            for session in snapshot.sessions
        }
        next_id = self.next_id if is_behind else snapshot.next_id
        recent = {key: each for key, each in hits.items() if any(each)}
        return replace(self, next_id=next_id, hits=recent)

    def find_heavy_users(self, snapshot: ServerSnapshot) -> Iterator[Session]:
        """Yield the sessions with the most hits, if they have at least the minimum."""
        counts = {
            session: sum(self.hits.get(_session_key(session), ())) for session in snapshot.sessions
        }
        most = max(counts.values(), default=0)
        for session, count in counts.items():
            if count == most and count >= self.min_hits:
                yield session


def _session_key(session: Session) -> tuple[int, int]:
    return session.pid, session.role


def _is_recent(session: Session, snapshot: ServerSnapshot, used: int) -> bool:
    newest = session.newest_id
    return newest is not None and age(snapshot.next_id, newest) <= used // RECENT_FRACTION
