"""How large a database may grow, and what is done about one that is larger."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.database import Database
from domain.states import State
from domain.steps import Step, Work

UNITS = {"kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}
"""As PostgreSQL counts them."""

SMALLEST = 16 << 20
"""An empty database has half of that."""

LARGEST = 1 << 60

NOTICE = timedelta(minutes=3)
"""How long a warning stands at least until something follows: replicas may look one right after the
other, and a tenant has to be able to act on it."""

ABOUT_SIZE = frozenset({Work.WARN, Work.CONFINE, Work.RELEASE})

_SIZE = re.compile(r"([0-9]{1,9})(kB|MB|GB|TB)")


@dataclass(frozen=True, slots=True)
class Measure:
    """What a database takes on disk, in bytes, and whether its owner's sessions begin read-only."""

    size: int
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class SizeLimit:
    """In bytes. What was over it is free again below nine tenths of it: one that lingers at the
    limit does not go to and fro."""

    size: int

    def is_exceeded(self, size: int) -> bool:
        return size > self.size

    def is_defied(self, size: int) -> bool:
        """Whether something so large, when it is read-only, was made writable to go on growing."""
        return size > self.size * 2

    def has_room(self, size: int) -> bool:
        return size * 10 < self.size * 9


def parse_size(text: str) -> int:
    """The bytes of `500MB`, `10GB`. Raises ValueError."""
    match = _SIZE.fullmatch(text)
    size = int(match[1]) * UNITS[match[2]] if match else 0
    if not SMALLEST <= size <= LARGEST:
        raise ValueError(f"{text[:40]!r} is not a size of {told(SMALLEST)} or more")
    return size


def told(size: int) -> str:
    """`512MB`: in whole units, the largest of which there are ten."""
    for unit, length in reversed(UNITS.items()):
        if size >= 10 * length:
            return f"{size // length}{unit}"
    return f"{size}B"


def is_read_only(database: Database) -> bool:
    """Whether it was made so for its size, or is being made so."""
    step = _last(database)
    return step is not None and step.name == Work.CONFINE


def size_work(database: Database) -> Work | None:
    """What has begun because of its size, and is not done."""
    works = (work for work in (Work.CONFINE, Work.RELEASE) if database.is_pending(work))
    return next(works, None)


def work_for(
    database: Database, measure: Measure | None, limit: SizeLimit | None, now: datetime
) -> Work | None:
    """What a database's size asks for; what else goes on with it comes first. One that is too large
    is warned, and made read-only when it still is later on, again where that was undone. Without a
    limit there is room for everything; of what was not measured nothing is known."""
    if database.state is not State.READY or not database.is_at_rest or database.is_over(now):
        return None
    last = _last(database)
    is_marked = last is not None and last.name != Work.RELEASE
    if limit is None:
        return Work.RELEASE if is_marked else None
    if measure is None:
        return None
    if limit.is_exceeded(measure.size):
        return _against(last, measure, now) if is_marked else Work.WARN
    return Work.RELEASE if is_marked and limit.has_room(measure.size) else None


def _against(last: Step | None, measure: Measure, now: datetime) -> Work | None:
    """What follows on a warning, or on having been made read-only."""
    if last is None or (last.name == Work.WARN and now < last.at + NOTICE):
        return None
    is_confined = last.name == Work.CONFINE and measure.read_only
    return None if is_confined else Work.CONFINE


def _last(database: Database) -> Step | None:
    """The latest step about its size. (The latest of each work is never forgotten.)"""
    steps = (step for step in reversed(database.history) if step.name in ABOUT_SIZE)
    return next(steps, None)
