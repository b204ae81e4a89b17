"""Size limits, and the operations that enforce them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.database import Database
from domain.lifecycle import MAX_HISTORY, Operation, State
from domain.sizes import (
    MAX_SIZE_LIMIT,
    MIN_SIZE_LIMIT,
    UNITS,
    WARNING_PERIOD,
    Measurement,
    SizeLimit,
    find_next_size_operation,
    format_size,
    is_read_only,
    parse_size,
)
from tests.support.records import new_record

NOW = datetime(2026, 1, 2, tzinfo=UTC)
BEFORE = NOW - WARNING_PERIOD
LIMIT = SizeLimit(100 << 20)
LARGE, NEARLY_EXCEEDED, SMALL = Measurement(101 << 20), Measurement(95 << 20), Measurement(8 << 20)

sizes = st.integers(0, 4 * LIMIT.size)
operations = st.sampled_from(
    [Operation.WARN, Operation.SET_READ_ONLY, Operation.CLEAR_READ_ONLY, Operation.ROTATE]
)


def create_ready(*done: Operation, at: datetime = BEFORE) -> Database:
    """Return an idle record with these operations completed, the last one at `at`."""
    database = replace(new_record(created_at=BEFORE), state=State.READY)
    for operation in (Operation.PROVISION, *done):
        database = database.complete(operation, at)
    return database


def find_next_operation(
    database: Database, measure: Measurement | None, limit: SizeLimit | None = LIMIT
) -> object:
    return find_next_size_operation(database, measure, limit, NOW)


WARN, SET_READ_ONLY, CLEAR_READ_ONLY = (
    Operation.WARN,
    Operation.SET_READ_ONLY,
    Operation.CLEAR_READ_ONLY,
)
JUST_WARNED = create_ready(WARN, at=BEFORE + timedelta(seconds=1))


def make_read_only(measure: Measurement) -> Measurement:
    return replace(measure, read_only=True)


@pytest.mark.parametrize(
    ("database", "measure", "operation"),
    [
        pytest.param(create_ready(), SMALL, None, id="small"),
        pytest.param(create_ready(), NEARLY_EXCEEDED, None, id="nearly too large"),
        pytest.param(create_ready(), Measurement(LIMIT.size), None, id="at the limit"),
        pytest.param(create_ready(), Measurement(LIMIT.size + 1), WARN, id="just over it"),
        pytest.param(JUST_WARNED, LARGE, None, id="just warned"),
        pytest.param(create_ready(WARN), LARGE, SET_READ_ONLY, id="warned long ago"),
        pytest.param(create_ready(WARN), NEARLY_EXCEEDED, None, id="warned, and nearly too large"),
        pytest.param(create_ready(WARN), SMALL, CLEAR_READ_ONLY, id="warned, and small again"),
        pytest.param(
            create_ready(WARN, SET_READ_ONLY), make_read_only(LARGE), None, id="read-only"
        ),
        pytest.param(
            create_ready(WARN, SET_READ_ONLY),
            make_read_only(NEARLY_EXCEEDED),
            None,
            id="read-only, nearly",
        ),
        pytest.param(
            create_ready(WARN, SET_READ_ONLY),
            NEARLY_EXCEEDED,
            None,
            id="made writable, nearly too large",
        ),
        pytest.param(
            create_ready(WARN, SET_READ_ONLY), LARGE, SET_READ_ONLY, id="made writable by its owner"
        ),
        pytest.param(
            create_ready(WARN, SET_READ_ONLY),
            SMALL,
            CLEAR_READ_ONLY,
            id="read-only, and small again",
        ),
        pytest.param(
            create_ready(WARN, SET_READ_ONLY, CLEAR_READ_ONLY),
            LARGE,
            WARN,
            id="writable again, and too large again",
        ),
    ],
)
def test_the_operation_for_a_size(
    database: Database, measure: Measurement, operation: Operation | None
) -> None:
    assert find_next_operation(database, measure) is operation


@pytest.mark.parametrize(
    ("done", "operation"),
    [
        ([WARN, SET_READ_ONLY], CLEAR_READ_ONLY),
        ([WARN, SET_READ_ONLY, CLEAR_READ_ONLY], None),
        ([], None),
    ],
)
def test_without_a_limit_every_database_is_writable(
    done: list[Operation], operation: Operation | None
) -> None:
    assert find_next_operation(create_ready(*done), None, None) is operation


@given(st.lists(operations, max_size=4), st.none() | st.builds(Measurement, sizes, st.booleans()))
def test_pending_operations_and_expiry_come_first(
    done: list[Operation], measure: Measurement | None
) -> None:
    database = create_ready(*done)
    for busy in (
        database.start(Operation.ROTATE, NOW),
        database.start(Operation.SET_READ_ONLY, NOW),
        database.start(Operation.CLEAR_READ_ONLY, NOW).fail(
            Operation.CLEAR_READ_ONLY, NOW, "Busy."
        ),
        replace(database, expires_at=NOW),
        replace(database, state=State.EXPIRED),
        replace(database, state=State.DELETING),
    ):
        assert find_next_operation(busy, measure) is None


@given(st.lists(operations, max_size=4))
def test_without_a_measurement_nothing_is_done(done: list[Operation]) -> None:
    assert find_next_operation(create_ready(*done), None) is None


@given(st.lists(operations, max_size=4), sizes)
def test_the_size_decides_in_the_end(done: list[Operation], size: int) -> None:
    database, seen = create_ready(*done), 0
    while operation := find_next_operation(database, Measurement(size, is_read_only(database))):
        assert isinstance(operation, Operation)
        database, seen = database.complete(operation, BEFORE), seen + 1
    assert seen <= 2, "it switches back and forth"
    if LIMIT.is_exceeded(size):
        assert is_read_only(database)
    if LIMIT.has_room(size):
        assert not is_read_only(database)


def test_a_database_stays_read_only_through_other_operations() -> None:
    database = create_ready(
        Operation.WARN, Operation.SET_READ_ONLY, *[Operation.ROTATE] * 2 * MAX_HISTORY
    )
    assert is_read_only(database)
    assert not is_read_only(database.complete(Operation.CLEAR_READ_ONLY, NOW))


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
    if MIN_SIZE_LIMIT <= size <= MAX_SIZE_LIMIT:
        assert parse_size(format_size(size)) == size


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0B"), (10239, "10239B"), ((8 << 20) + 1, "8192kB"), (12 << 20, "12MB")]
)
def test_a_size_is_formatted_in_whole_units(size: int, text: str) -> None:
    assert format_size(size) == text
