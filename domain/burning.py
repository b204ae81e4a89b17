"""Sessions that use up the server's transaction ids."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from domain.guarding import WRAP, Look, Session, age

FAST = 20_000
"""Ids used from one look to the next: of fewer, nobody is accused. At 10,000 a second they would
last for two days."""

LOOKS = 20

ACCUSED = 6
"""In so many of the last looks a session has to have just taken an id."""

JUST = 1000
"""What has been taken just now: one of the last thousandth of those that were used since the look
before. A session that takes an id now and then is hardly ever found so, one that takes most of them
nearly always.
"""

Found = tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Burning:
    """What is remembered of earlier looks: the next id at the last one, and for each session, the
    latest last, whether it had just taken one. `fast` is as FAST, `accused` as ACCUSED."""

    fast: int = FAST
    accused: int = ACCUSED
    next_id: int | None = None
    found: Mapping[tuple[int, int], Found] = field(default_factory=dict)

    def after(self, look: Look) -> "Burning":
        """Add a look. The next id is never less than before: an id that a part of a transaction
        took is known only while that part lasts."""
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
        """Yield the sessions that were found most often, if that is often enough."""
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
