"""Database sizes: their limit, and the operations that enforce it."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.database import Database
from domain.lifecycle import Operation, State, Step

UNITS = {"kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}
"""PostgreSQL's units."""

MIN_SIZE_LIMIT = 16 << 20
"""The smallest limit: twice the size of an empty database."""

MAX_SIZE_LIMIT = 1 << 60

WARNING_PERIOD = timedelta(minutes=3)
"""The minimum time between a warning and the next operation: replicas may check right after each
other, and the tenant needs time to act."""

SIZE_OPERATIONS = frozenset({Operation.WARN, Operation.SET_READ_ONLY, Operation.CLEAR_READ_ONLY})

_SIZE = re.compile(r"([0-9]{1,9})(kB|MB|GB|TB)")


@dataclass(frozen=True, slots=True)
class Measurement:
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

    def is_circumvented(self, size: int) -> bool:
        """Return whether a read-only database of this size must have been made writable to grow."""
        return size > self.size * 2

    def has_room(self, size: int) -> bool:
        return size * 10 < self.size * 9


def parse_size(text: str) -> int:
    """Parse `500MB`, `10GB` into bytes. Raises ValueError."""
    match = _SIZE.fullmatch(text)
    size = int(match[1]) * UNITS[match[2]] if match else 0
    if not MIN_SIZE_LIMIT <= size <= MAX_SIZE_LIMIT:
        raise ValueError(f"{text[:40]!r} is not a size of {format_size(MIN_SIZE_LIMIT)} or more")
    return size


def format_size(size: int) -> str:
    """Return the size as `512MB`: in the largest unit of which there are at least ten."""
    for unit, length in reversed(UNITS.items()):
        if size >= 10 * length:
            return f"{size // length}{unit}"
    return f"{size}B"


def is_read_only(database: Database) -> bool:
    """Return whether the database is read-only because of its size, or becomes so."""
    step = _find_latest_size_step(database)
    return step is not None and step.name == Operation.SET_READ_ONLY


def find_pending_size_operation(database: Database) -> Operation | None:
    """Return the pending operation on the database's size, if any."""
    operations = (
        operation
        for operation in (Operation.SET_READ_ONLY, Operation.CLEAR_READ_ONLY)
        if database.is_pending(operation)
    )
    return next(operations, None)


def find_next_size_operation(
    database: Database, measure: Measurement | None, limit: SizeLimit | None, now: datetime
) -> Operation | None:
    """Return the operation that the size of the database requires; other pending operations come
    first. A database that exceeds the limit gets a warning and, if it still exceeds it later,
    becomes read-only, again if the tenant undid that. Without a limit, every size is allowed;
    without a measurement, nothing is done."""
    if database.state is not State.READY or not database.is_idle or database.is_past_expiry(now):
        return None
    last = _find_latest_size_step(database)
    is_marked = last is not None and last.name != Operation.CLEAR_READ_ONLY
    if limit is None:
        return Operation.CLEAR_READ_ONLY if is_marked else None
    if measure is None:
        return None
    if limit.is_exceeded(measure.size):
        return _respond_to_excess(last, measure, now) if is_marked else Operation.WARN
    return Operation.CLEAR_READ_ONLY if is_marked and limit.has_room(measure.size) else None


def _respond_to_excess(last: Step | None, measure: Measurement, now: datetime) -> Operation | None:
    """Return the operation that follows a warning, or a database that was made read-only."""
    if last is None or (last.name == Operation.WARN and now < last.at + WARNING_PERIOD):
        return None
    is_enforced = last.name == Operation.SET_READ_ONLY and measure.read_only
    return None if is_enforced else Operation.SET_READ_ONLY


def _find_latest_size_step(database: Database) -> Step | None:
    """Return the latest step on the size. (The history keeps the latest step of each operation.)"""
    steps = (step for step in reversed(database.history) if step.name in SIZE_OPERATIONS)
    return next(steps, None)
