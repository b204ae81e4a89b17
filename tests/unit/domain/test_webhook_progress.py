"""The progress of announcements, databases that expire soon, and the ids of events."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.event_types import EventType
from domain.lifecycle import MAX_HISTORY, Operation, State
from domain.webhook_events import Progress, advance, list_events
from tests.support.histories import (
    DAY,
    HOUR,
    NEW,
    NOW,
    delete,
    list_types,
    new_ready,
)


def test_a_database_is_expiring_from_the_notice_to_its_expiry() -> None:
    ready = new_ready(NOW + DAY)
    progress = advance(ready, NEW, NOW, HOUR)
    second = timedelta(seconds=1)

    for moment in (NOW, NOW + DAY - HOUR - second, NOW + DAY):
        assert list_types(ready, progress, moment) == []
    for moment in (NOW + DAY - HOUR, NOW + DAY - second):
        assert list_types(ready, progress, moment) == [EventType.EXPIRING]


def test_a_short_lived_database_is_created_and_then_expiring() -> None:
    assert list_types(new_ready(NOW + HOUR / 2)) == [EventType.CREATED, EventType.EXPIRING]


def test_a_database_is_expiring_once_for_each_expiry() -> None:
    ready = new_ready(NOW + HOUR / 2)
    progress = advance(ready, NEW, NOW, HOUR)
    extended = ready.with_expiry(NOW + HOUR)

    assert list_types(ready, progress) == []
    assert list_types(extended, progress) == [EventType.EXPIRING]
    assert list_types(extended, advance(extended, progress, NOW, HOUR)) == []


@pytest.mark.parametrize("state", sorted(set(State) - {State.READY}))
def test_only_a_ready_database_is_expiring(state: State) -> None:
    record = replace(new_ready(NOW + HOUR / 2), state=state)

    assert EventType.EXPIRING not in list_types(record)
    assert advance(record, NEW, NOW, HOUR).expiry is None


def test_progress_covers_all_steps_and_keeps_the_announced_expiry() -> None:
    ready = new_ready(NOW + HOUR / 2)
    progress = advance(ready, NEW, NOW, HOUR)

    assert progress == Progress(step=4, expiry=ready.expires_at)
    deleted = delete(ready)
    assert advance(deleted, progress, NOW, HOUR) == Progress(step=6, expiry=ready.expires_at)
    assert list_types(deleted, advance(deleted, progress, NOW, HOUR)) == []


def test_progress_does_not_go_back_with_an_older_record() -> None:
    ready = new_ready()
    progress = advance(delete(ready), NEW, NOW, HOUR)

    assert advance(ready, progress, NOW, HOUR) == progress


def test_a_record_without_steps_has_no_events() -> None:
    """It was imported, or comes from an early release."""
    record = replace(new_ready(), history=())

    assert list_types(record) == []
    assert advance(record, NEW, NOW, HOUR) == NEW


def test_an_event_has_the_same_id_whenever_it_is_derived() -> None:
    ready = new_ready(NOW + HOUR / 2)
    first = list_events(ready, NEW, NOW, HOUR)
    later = list_events(delete(ready), NEW, NOW, HOUR)
    again = list_events(ready, NEW, NOW + timedelta(minutes=1), HOUR)

    assert [event.id for event in again] == [event.id for event in first]
    assert later[0].id == first[0].id
    assert len({event.id for event in (*first, *later)}) == 3


def test_the_ids_of_different_events_differ() -> None:
    """Also those of a registry that was restored from a backup, and numbers steps again."""
    ready = new_ready()
    ids = [
        event.id
        for record in (
            delete(ready),
            delete(ready, NOW + HOUR),
            ready.with_expiry(NOW + HOUR / 2),
            ready.with_expiry(NOW + HOUR),
            new_ready(),
        )
        for event in list_events(record, NEW, NOW, HOUR)
    ]

    created = [ids[0]] * 3
    assert len(set(ids)) == len(ids) - len(created)


def test_an_event_has_the_time_of_its_step_and_the_present_record() -> None:
    deleted = delete(new_ready(), NOW + HOUR)
    created, gone = list_events(deleted, NEW, NOW + DAY, HOUR)

    assert (created.at, gone.at) == (NOW, NOW + HOUR)
    assert created.database is gone.database is deleted


def test_events_survive_a_history_that_was_trimmed() -> None:
    record = new_ready()
    for _ in range(MAX_HISTORY):
        record = record.start(Operation.ROTATE, NOW).complete(Operation.ROTATE, NOW)

    assert list_types(record) == [EventType.CREATED]
