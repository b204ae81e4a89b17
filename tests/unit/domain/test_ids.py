"""Ids: prefixed, opaque, sortable."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import PREFIX, RANDOM_BYTES, created_at_from_id, is_id, new_id

MOMENT = datetime(2026, 1, 2, tzinfo=UTC)

moments = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001 - hypothesis requires naive bounds
    max_value=datetime(2900, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
entropies = st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES)
delays = st.timedeltas(min_value=timedelta(milliseconds=2), max_value=timedelta(days=9999))


@given(moments, entropies)
def test_an_id_is_plain_and_contains_its_creation_time(moment: datetime, entropy: bytes) -> None:
    new = new_id(moment, entropy)

    assert re.fullmatch(r"db_[0-9a-hjkmnp-tv-z]{26}", new)
    assert is_id(new)
    assert timedelta() <= moment - created_at_from_id(new) <= timedelta(milliseconds=1)


@given(moments, entropies, entropies, delays)
def test_ids_sort_by_creation_time(
    moment: datetime, one: bytes, other: bytes, later: timedelta
) -> None:
    assert new_id(moment, one) < new_id(moment + later, other)


def test_the_same_moment_in_another_timezone_gives_the_same_id() -> None:
    entropy = bytes(RANDOM_BYTES)
    assert new_id(MOMENT, entropy) == new_id(MOMENT.astimezone(), entropy)


def test_an_id_has_the_timestamp_of_a_ulid() -> None:
    moment = datetime.fromtimestamp(1469918176.385, UTC)
    assert new_id(moment, bytes(RANDOM_BYTES)) == PREFIX + "01aryz6s41" + "0" * 16


@pytest.mark.parametrize("size", [0, RANDOM_BYTES - 1, RANDOM_BYTES + 1])
def test_entropy_of_another_size_is_an_error(size: int) -> None:
    with pytest.raises(ValueError, match="random bytes"):
        new_id(MOMENT, bytes(size))


@pytest.mark.parametrize(
    "text",
    [
        *("", "db_", "stranger", "db_\0" + "0" * 25, "DB_" + "0" * 26, "db_" + "0" * 27),
        "db_7" + "z" * 25,
    ],
)
def test_other_texts_are_not_ids(text: str) -> None:
    assert not is_id(text)
    with pytest.raises(ValueError, match="is not an id"):
        created_at_from_id(text)


@given(st.text("0123456789abcdefghjkmnpqrstvwxyz", min_size=26, max_size=26))
def test_every_valid_id_has_a_creation_time(digits: str) -> None:
    if is_id(PREFIX + digits):
        assert created_at_from_id(PREFIX + digits).tzinfo is UTC
