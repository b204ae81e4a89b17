"""The events of a database, derived from the history of its record."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.database import Database
from domain.event_types import EventType
from domain.ids import PREFIX as DATABASE_PREFIX
from domain.lifecycle import Operation, State, Step, StepState
from domain.webhooks import WebhookEvent

EVENT_PREFIX = "evt_"
"""The beginning of an event's id."""

_EXPIRY_OPERATIONS = frozenset({Operation.SUSPEND, Operation.RESTORE})

_RESTORED = (Operation.RESTORE, StepState.DONE)

_DONE: Mapping[str, EventType] = {
    Operation.VERIFY: EventType.CREATED,
    Operation.PROVISION: EventType.CREATED,  # of a claimed spare, which needs no login
    Operation.RESTORE: EventType.RESTORED,
    Operation.WARN: EventType.OVER_SIZE,
    Operation.SET_READ_ONLY: EventType.OVER_SIZE,
    Operation.DELETE: EventType.DELETED,
}
"""The event of each operation that is done; `_is_event` excludes some of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the events of a record were announced: up to the step of that number, and
    `database.expiring` for that `expiry`."""

    step: int = 0
    expiry: datetime | None = None


def list_events(
    database: Database, progress: Progress, now: datetime, notice: timedelta
) -> list[WebhookEvent]:
    """Return the events of the record that were not announced, in order. Spares and templates have
    none. The database is expiring from the time `notice` before its expiry on."""
    if database.is_internal:
        return []
    steps = (step for step in database.history if step.number > progress.step)
    events = [event for step in steps if (event := _create_event(database, step))]
    if is_expiring_soon(database, now, notice) and database.expires_at != progress.expiry:
        events.append(_create_expiring(database, now))
    return events


def advance(database: Database, progress: Progress, now: datetime, notice: timedelta) -> Progress:
    """Return the progress after all events of the record were announced."""
    is_expiring = is_expiring_soon(database, now, notice)
    return Progress(
        step=max(progress.step, database.history[-1].number if database.history else 0),
        expiry=database.expires_at if is_expiring else progress.expiry,
    )


def is_expiring_soon(database: Database, now: datetime, notice: timedelta) -> bool:
    """Return whether the ready database expires within the notice."""
    expires_at = database.expires_at
    is_ready = database.state is State.READY and expires_at is not None
    return is_ready and now < (expires_at or now) <= now + notice


def _create_event(database: Database, step: Step) -> WebhookEvent | None:
    kind = _find_type(database, step)
    if kind is None:
        return None
    event_id = _format_id(database, str(step.number), step.at)
    return WebhookEvent(id=event_id, type=kind, at=step.at, database=database)


def _create_expiring(database: Database, now: datetime) -> WebhookEvent:
    event_id = _format_id(database, "expiring", database.expires_at or now)
    return WebhookEvent(id=event_id, type=EventType.EXPIRING, at=now, database=database)


def _format_id(database: Database, name: str, at: datetime) -> str:
    """Return the id of an event. It has a time, because a registry that is restored from a backup
    gives the same number to other steps."""
    milliseconds = int(at.timestamp() * 1000)
    return f"{EVENT_PREFIX}{database.id.removeprefix(DATABASE_PREFIX)}_{name}_{milliseconds}"


def _find_type(database: Database, step: Step) -> EventType | None:
    if step.state is StepState.RUNNING:
        return EventType.EXPIRED if _is_expiry(database, step) else None
    if step.state is not StepState.DONE or not _is_event(database, step):
        return None
    if step.name == Operation.DELETE and database.state is State.FAILED:
        return EventType.FAILED
    return _DONE.get(step.name)


def _is_event(database: Database, step: Step) -> bool:
    """Return whether the completed step is an event, and not a part of another one."""
    match step.name:
        case Operation.PROVISION:
            return not any(each.name == Operation.VERIFY for each in database.history)
        case Operation.RESTORE:
            return not _is_cancelled(database, step)
    return True


def _is_cancelled(database: Database, restoration: Step) -> bool:
    """Return whether the restoration ended because the new expiry had passed as well."""
    following = (each for each in database.history if each.number == restoration.number + 1)
    return any(
        each.name == Operation.SUSPEND and each.state is StepState.RUNNING for each in following
    )


def _is_expiry(database: Database, step: Step) -> bool:
    """Return whether the database expires with this started step: it is suspended, or deleted at
    once if there is no grace period."""
    if step.name == Operation.SUSPEND:
        return True
    is_past = database.is_past_expiry(step.at) and not database.was_abandoned
    return step.name == Operation.DELETE and is_past and not _was_expired(database, step)


def _was_expired(database: Database, step: Step) -> bool:
    """Return whether the database had expired before the step, and was not restored since."""
    earlier = [each for each in database.history if each.number < step.number]
    latest = next((each for each in reversed(earlier) if each.name in _EXPIRY_OPERATIONS), None)
    is_restored = latest is not None and (latest.name, latest.state) == _RESTORED
    return latest is not None and not is_restored
