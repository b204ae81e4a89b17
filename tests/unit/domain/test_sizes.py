"""Size limits, and the operations that enforce them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.database import Database
from domain.lifecycle import LONGEST_HISTORY, Work
from domain.sizes import (
    LARGEST,
    NOTICE,
    SMALLEST,
    UNITS,
    Measure,
    SizeLimit,
    is_read_only,
    parse_size,
    told,
    work_for,
)
from domain.states import State
from tests.support.records import new_record

NOW = datetime(2026, 1, 2, tzinfo=UTC)
BEFORE = NOW - NOTICE
LIMIT = SizeLimit(100 << 20)
LARGE, NEARLY_EXCEEDED, SMALL = Measure(101 << 20), Measure(95 << 20), Measure(8 << 20)

sizes = st.integers(0, 4 * LIMIT.size)
works = st.sampled_from([Work.WARN, Work.CONFINE, Work.RELEASE, Work.ROTATE])


def ready(*done: Work, at: datetime = BEFORE) -> Database:
    """Return an idle record with these operations completed, the last one at `at`."""
    database = replace(new_record(made=BEFORE), state=State.READY)
    for operation in (Work.PROVISION, *done):
        database = database.did(operation, at)
    return database


def next_operation(
    database: Database, measure: Measure | None, limit: SizeLimit | None = LIMIT
) -> object:
    return work_for(database, measure, limit, NOW)


WARN, CONFINE, RELEASE = Work.WARN, Work.CONFINE, Work.RELEASE
JUST_WARNED = ready(WARN, at=BEFORE + timedelta(seconds=1))


def read_only_at(measure: Measure) -> Measure:
    return replace(measure, read_only=True)


@pytest.mark.parametrize(
    ("database", "measure", "operation"),
    [
        pytest.param(ready(), SMALL, None, id="small"),
        pytest.param(ready(), NEARLY_EXCEEDED, None, id="nearly too large"),
        pytest.param(ready(), Measure(LIMIT.size), None, id="at the limit"),
        pytest.param(ready(), Measure(LIMIT.size + 1), WARN, id="just over it"),
        pytest.param(JUST_WARNED, LARGE, None, id="just warned"),
        pytest.param(ready(WARN), LARGE, CONFINE, id="warned long ago"),
        pytest.param(ready(WARN), NEARLY_EXCEEDED, None, id="warned, and nearly too large"),
        pytest.param(ready(WARN), SMALL, RELEASE, id="warned, and small again"),
        pytest.param(ready(WARN, CONFINE), read_only_at(LARGE), None, id="read-only"),
        pytest.param(
            ready(WARN, CONFINE), read_only_at(NEARLY_EXCEEDED), None, id="read-only, nearly"
        ),
        pytest.param(
            ready(WARN, CONFINE), NEARLY_EXCEEDED, None, id="made writable, nearly too large"
        ),
        pytest.param(ready(WARN, CONFINE), LARGE, CONFINE, id="made writable by its owner"),
        pytest.param(ready(WARN, CONFINE), SMALL, RELEASE, id="read-only, and small again"),
        pytest.param(
            ready(WARN, CONFINE, RELEASE), LARGE, WARN, id="writable again, and too large again"
        ),
    ],
)
def test_the_operation_for_a_size(
    database: Database, measure: Measure, operation: Work | None
) -> None:
    assert next_operation(database, measure) is operation


@pytest.mark.parametrize(
    ("done", "operation"),
    [([WARN, CONFINE], RELEASE), ([WARN, CONFINE, RELEASE], None), ([], None)],
)
def test_without_a_limit_every_database_is_writable(
    done: list[Work], operation: Work | None
) -> None:
    assert next_operation(ready(*done), None, None) is operation


@given(st.lists(works, max_size=4), st.none() | st.builds(Measure, sizes, st.booleans()))
def test_pending_operations_and_expiry_come_first(
    done: list[Work], measure: Measure | None
) -> None:
    database = ready(*done)
    for busy in (
        database.began(Work.ROTATE, NOW),
        database.began(Work.CONFINE, NOW),
        database.began(Work.RELEASE, NOW).missed(Work.RELEASE, NOW, "Busy."),
        replace(database, expires_at=NOW),
        replace(database, state=State.EXPIRED),
        replace(database, state=State.DELETING),
    ):
        assert next_operation(busy, measure) is None


@given(st.lists(works, max_size=4))
def test_without_a_measurement_nothing_is_done(done: list[Work]) -> None:
    assert next_operation(ready(*done), None) is None


@given(st.lists(works, max_size=4), sizes)
def test_the_size_decides_in_the_end(done: list[Work], size: int) -> None:
    database, seen = ready(*done), 0
    while operation := next_operation(database, Measure(size, is_read_only(database))):
        assert isinstance(operation, Work)
        database, seen = database.did(operation, BEFORE), seen + 1
    assert seen <= 2, "it switches back and forth"
    if LIMIT.is_exceeded(size):
        assert is_read_only(database)
    if LIMIT.has_room(size):
        assert not is_read_only(database)


def test_a_database_stays_read_only_through_other_operations() -> None:
    database = ready(Work.WARN, Work.CONFINE, *[Work.ROTATE] * 2 * LONGEST_HISTORY)
    assert is_read_only(database)
    assert not is_read_only(database.did(Work.RELEASE, NOW))


@pytest.mark.parametrize(
    ("text", "size"),
    [("16384kB", 16 << 20), ("500MB", 500 << 20), ("10GB", 10 << 30), ("2TB", 2 << 40)],
)
def test_a_size_is_a_number_and_a_unit(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text",
    ["", "500", "500 MB", "500mb", "-1GB", "0GB", "1.5GB", "15MB", "2000000TB", "\u0665\u0660MB"],
)
def test_any_other_text_is_not_a_size(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size of 16MB or more"):
        parse_size(text)


@given(st.integers(10, 1000), st.sampled_from(list(UNITS)))
def test_a_size_is_formatted_as_it_was_given(number: int, unit: str) -> None:
    size = number * UNITS[unit]
    if SMALLEST <= size <= LARGEST:
        assert parse_size(told(size)) == size


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0B"), (10239, "10239B"), ((8 << 20) + 1, "8192kB"), (12 << 20, "12MB")]
)
def test_a_size_is_formatted_in_whole_units(size: int, text: str) -> None:
    assert told(size) == text
