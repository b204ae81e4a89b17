"""Database sizes: their limit, and the operations that enforce it."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.database import Database
from domain.lifecycle import Step, Work
from domain.states import State

UNITS = {"kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}
"""PostgreSQL's units."""

SMALLEST = 16 << 20
"""The smallest limit: twice the size of an empty database."""

LARGEST = 1 << 60

NOTICE = timedelta(minutes=3)
"""The minimum time between a warning and the next operation: replicas may check right after each
other, and the tenant needs time to act."""

ABOUT_SIZE = frozenset({Work.WARN, Work.CONFINE, Work.RELEASE})

_SIZE = re.compile(r"([0-9]{1,9})(kB|MB|GB|TB)")


@dataclass(frozen=True, slots=True)
class Measure:
    """The size of a database on disk in bytes, and whether its owner's sessions start read-only."""

    size: int
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class SizeLimit:
    """A limit in bytes. A database that exceeded it is writable again below nine tenths of the
    limit, so that one near the limit does not switch back and forth."""

    size: int

    def is_exceeded(self, size: int) -> bool:
        return size > self.size

    def is_defied(self, size: int) -> bool:
        """Return whether a read-only database of this size must have been made writable to grow."""
        return size > self.size * 2

    def has_room(self, size: int) -> bool:
        return size * 10 < self.size * 9


def parse_size(text: str) -> int:
    """Parse `500MB`, `10GB` into bytes. Raises ValueError."""
    match = _SIZE.fullmatch(text)
    size = int(match[1]) * UNITS[match[2]] if match else 0
    if not SMALLEST <= size <= LARGEST:
        raise ValueError(f"{text[:40]!r} is not a size of {told(SMALLEST)} or more")
    return size


def told(size: int) -> str:
    """Return the size as `512MB`: in the largest unit of which there are at least ten."""
    for unit, length in reversed(UNITS.items()):
        if size >= 10 * length:
            return f"{size // length}{unit}"
    return f"{size}B"


def is_read_only(database: Database) -> bool:
    """Return whether the database is read-only because of its size, or becomes so."""
    step = _last(database)
    return step is not None and step.name == Work.CONFINE


def size_work(database: Database) -> Work | None:
    """Return the pending operation on the database's size, if any."""
    works = (work for work in (Work.CONFINE, Work.RELEASE) if database.is_pending(work))
    return next(works, None)


def work_for(
    database: Database, measure: Measure | None, limit: SizeLimit | None, now: datetime
) -> Work | None:
    """Return the operation that the size of the database requires; other pending operations come
    first. A database that exceeds the limit gets a warning and, if it still exceeds it later,
    becomes read-only, again if the tenant undid that. Without a limit, every size is allowed;
    without a measurement, nothing is done."""
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
    """Return the operation that follows a warning, or a database that was made read-only."""
    if last is None or (last.name == Work.WARN and now < last.at + NOTICE):
        return None
    is_confined = last.name == Work.CONFINE and measure.read_only
    return None if is_confined else Work.CONFINE


def _last(database: Database) -> Step | None:
    """Return the latest step on the size. (The history keeps the latest step of each operation.)"""
    steps = (step for step in reversed(database.history) if step.name in ABOUT_SIZE)
    return next(steps, None)
