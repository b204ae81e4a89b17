"""The record: when the sweep has to look at it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.database import Database
from domain.states import State
from domain.steps import AT_ONCE, FIRST_PAUSE, LONGEST_PAUSE, StepState, Work, pause_after
from tests.support.records import new_record

NOW = datetime(2026, 1, 2, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
END = NOW + timedelta(days=1)

RUNNING, DONE, FAILED = StepState.RUNNING, StepState.DONE, StepState.FAILED


def new() -> Database:
    """Being made since now."""
    return new_record(made=NOW)


def ready(ends: datetime | None = END) -> Database:
    made = replace(new(), expires_at=ends).did(Work.PROVISION, NOW)
    return made.began(Work.VERIFY, NOW).moved(State.READY).did(Work.VERIFY, NOW)


def test_what_has_begun_is_to_be_looked_at_at_once() -> None:
    assert ready().began(Work.ROTATE, LATER).wake_at == AT_ONCE


def test_what_is_ready_is_to_be_looked_at_when_it_ends() -> None:
    assert ready().wake_at == END
    assert ready(ends=None).wake_at is None


def test_what_is_done_is_to_be_looked_at_when_it_was_said() -> None:
    frozen = ready().moved(State.EXPIRED).began(Work.SUSPEND, END)

    assert frozen.did(Work.SUSPEND, END, END + timedelta(days=1)).wake_at == END + timedelta(days=1)


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 10), (2, 20), (3, 40), (9, 2560), (10, 3600), (10_000, 3600)]
)
def test_each_failure_doubles_the_pause_up_to_the_longest(failures: int, seconds: int) -> None:
    assert pause_after(failures) == timedelta(seconds=seconds)
    assert FIRST_PAUSE <= pause_after(failures) <= LONGEST_PAUSE


def test_what_failed_rests_longer_each_time() -> None:
    once = ready(ends=None).began(Work.ROTATE, NOW).missed(Work.ROTATE, NOW, "Busy.")
    twice = once.missed(Work.ROTATE, NOW, "Busy.")

    assert once.wake_at == NOW + pause_after(1)
    assert twice.wake_at == NOW + pause_after(2)


def test_a_success_ends_the_row_of_failures() -> None:
    missed = ready(ends=None).began(Work.ROTATE, NOW).missed(Work.ROTATE, NOW, "Busy.")

    again = missed.did(Work.ROTATE, NOW).began(Work.ROTATE, NOW).missed(Work.ROTATE, NOW, "No.")

    assert again.wake_at == NOW + pause_after(1)


def test_a_pause_does_not_outlast_the_end_of_what_is_ready() -> None:
    ends = NOW + FIRST_PAUSE / 2

    missed = ready(ends).began(Work.ROTATE, NOW).missed(Work.ROTATE, NOW, "Busy.")

    assert missed.wake_at == ends


@pytest.mark.parametrize("ends", [None, LATER, END + timedelta(days=9)])
def test_what_is_extended_is_to_be_looked_at_at_its_new_end(ends: datetime | None) -> None:
    extended = ready().extended(ends)

    assert (extended.expires_at, extended.wake_at) == (ends, ends)


def test_an_extension_does_not_hide_a_rotation_that_is_to_be_finished() -> None:
    rotating = ready().began(Work.ROTATE, NOW).missed(Work.ROTATE, NOW, "Busy.")

    assert rotating.extended(None).wake_at == rotating.wake_at


@pytest.mark.parametrize("work", [Work.CONFINE, Work.RELEASE])
def test_what_is_done_leaves_what_else_has_begun_to_be_looked_at(work: Work) -> None:
    both = ready().began(work, NOW).began(Work.ROTATE, NOW)

    assert both.did(Work.ROTATE, LATER).wake_at == AT_ONCE
    assert both.did(Work.ROTATE, LATER).did(work, LATER).wake_at == END


def test_another_end_does_not_wake_what_failed() -> None:
    failed = ready().began(Work.CONFINE, NOW).missed(Work.CONFINE, NOW, "Busy.")

    assert failed.extended(END + timedelta(days=1)).wake_at == failed.wake_at


def test_what_is_found_again_goes_on_with_what_had_begun() -> None:
    found = ready().began(Work.CONFINE, NOW).lost().found_again(new().names)

    assert found.wake_at == AT_ONCE
