"""Histories of databases, and the events in them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from domain.database import Database
from domain.event_types import EventType
from domain.lifecycle import Operation, State
from domain.transitions import (
    complete_suspension,
    start_deletion,
    start_expiry,
)
from domain.webhook_events import Progress, advance, list_events
from tests.support.records import new_record

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NEW = Progress()


def list_types(
    database: Database, progress: Progress = NEW, now: datetime = NOW
) -> Sequence[EventType]:
    return [event.type for event in list_events(database, progress, now, HOUR)]


def list_new_types(former: Database, database: Database) -> Sequence[EventType]:
    """Return the types of the events that happened since the former record."""
    return list_types(database, advance(former, NEW, NOW, HOUR))


def new_ready(expires_at: datetime | None = None) -> Database:
    """Return the record of a database that was provisioned and verified."""
    record = replace(new_record(created_at=NOW), expires_at=expires_at)
    record = record.complete(Operation.PROVISION, NOW).start(Operation.VERIFY, NOW)
    return record.transition_to(State.READY).complete(Operation.VERIFY, NOW)


def expire(database: Database, *, grace: timedelta = DAY) -> Database:
    """Return the record after its expiry has come."""
    assert database.expires_at
    expired = start_expiry(database, database.expires_at, grace)
    assert expired
    return expired


def suspend(database: Database) -> Database:
    assert database.expires_at
    suspended = complete_suspension(database, database.expires_at, DAY)
    assert suspended
    return suspended


def delete(database: Database, at: datetime = NOW) -> Database:
    return start_deletion(database, at).finish_deletion(at)
