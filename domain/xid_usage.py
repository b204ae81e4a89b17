"""Detection of sessions that use up the server's transaction ids."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from domain.server_snapshot import WRAP, Look, Session, age

FAST = 20_000
"""Ids used between two snapshots; below this, no session is suspected. At 10,000 ids a second, all
transaction ids are used up in two days."""

LOOKS = 20

ACCUSED = 6
"""Number of recent snapshots in which a session must have taken an id recently to be reported."""

JUST = 1000
"""An id is recent if it is among the last thousandth of the ids used since the previous snapshot. A
session that takes few ids rarely has a recent one; a session that takes most of them nearly always
does.
"""

Found = tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Burning:
    """History of earlier snapshots: the next id in the last one and, for each session, whether it
    had taken an id recently, oldest snapshot first."""

    fast: int = FAST
    accused: int = ACCUSED
    next_id: int | None = None
    found: Mapping[tuple[int, int], Found] = field(default_factory=dict)

    def after(self, look: Look) -> "Burning":
        """Return the history with one more snapshot. The next id never decreases: the id of a
        subtransaction is visible only until the subtransaction ends."""
        used = 0 if self.next_id is None else age(look.next_id, self.next_id)
        is_behind = used >= WRAP // 2
        found = {
            _key(session): (
                *self.found.get(_key(session), ()),
                not is_behind and used >= self.fast and _just(session, look, used),
            )[-LOOKS:]
            for session in look.sessions
        }
        next_id = self.next_id if is_behind else look.next_id
        kept = {key: each for key, each in found.items() if any(each)}
        return replace(self, next_id=next_id, found=kept)

    def burners(self, look: Look) -> Iterator[Session]:
        """Yield the sessions with the most hits, if they have at least the minimum."""
        counts = {session: sum(self.found.get(_key(session), ())) for session in look.sessions}
        most = max(counts.values(), default=0)
        for session, count in counts.items():
            if count == most and count >= self.accused:
                yield session


def _key(session: Session) -> tuple[int, int]:
    return session.pid, session.role


def _just(session: Session, look: Look, used: int) -> bool:
    newest = session.newest_id
    return newest is not None and age(look.next_id, newest) <= used // JUST
