"""Durations and the expiry policy."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidDuration, InvalidExpiry
from domain.expiry import MAX_TTL, MIN_TTL, ExpiryPolicy, parse_duration

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}

lengths = st.integers(
    min_value=int(MIN_TTL.total_seconds()), max_value=int(MAX_TTL.total_seconds())
).map(lambda number: timedelta(seconds=number))


@given(lengths)
def test_every_duration_has_an_iso_8601_form(length: timedelta) -> None:
    minutes, seconds = divmod(length.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    numbers = {"H": hours, "M": minutes, "S": seconds}
    time = "".join(f"{number}{unit}" for unit, number in numbers.items() if number)
    days = f"{length.days}D" if length.days else ""

    assert parse_duration(f"P{days}" + (f"T{time}" if time else "")) == length


@pytest.mark.parametrize("unit", UNITS)
@given(number=st.integers(min_value=60, max_value=5000))
def test_short_forms_count_one_unit(unit: str, number: int) -> None:
    assert parse_duration(f"{number}{unit}") == timedelta(seconds=number * UNITS[unit])


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("P2W", timedelta(weeks=2)),
        ("P1DT12H", timedelta(days=1, hours=12)),
        ("PT36H", timedelta(hours=36)),
        ("PT90S", timedelta(seconds=90)),
        ("P0DT1H", timedelta(hours=1)),
        ("007d", timedelta(days=7)),
        *((bound, MIN_TTL) for bound in ("1m", "60s", "PT60S")),
        *((bound, MAX_TTL) for bound in ("36500d", "P36500D")),
    ],
)
def test_other_forms_and_the_bounds(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize("text", ["0s", "59s", "PT59S", "P0D", "36501d", "P36500DT1S", "5215w"])
def test_durations_outside_the_bounds_are_invalid(text: str) -> None:
    with pytest.raises(InvalidDuration):
        parse_duration(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "1", "h", "-1h", "1.5h", "1e3h", " 24h", "24h\n", "24H", "1h30m", "forever"),
        *("P", "PT", "P1", "PT5", "PT1H30", "P-1D", "p1d", "P1Y", "P1M", "P1WT1H", "P1W2D"),
        *("\0", "\ud800", "x" * 10_000),
    ],
    ids=lambda text: ascii(text[:20]),
)
def test_an_invalid_duration_is_quoted_only_in_part(text: str) -> None:
    with pytest.raises(InvalidDuration, match="is not a duration") as caught:
        parse_duration(text)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("digits", [9, 10, 100, 5000])
@pytest.mark.parametrize("form", ["{}m", "{}w", "P{}W", "P{}D", "PT{}H", "P{0}DT{0}H{0}M{0}S"])
def test_huge_numbers_are_invalid(form: str, digits: int) -> None:
    with pytest.raises(InvalidDuration):
        parse_duration(form.format("9" * digits))


@given(lengths, lengths)
def test_the_ttl_of_the_request_or_the_operators_default_sets_the_expiry(
    asked: timedelta, length: timedelta
) -> None:
    assert ExpiryPolicy().calculate_expiry(NOW, None) is None
    for policy in (ExpiryPolicy(default=length), ExpiryPolicy(max_ttl=length)):
        assert policy.calculate_expiry(NOW, None) == NOW + length
    assert (
        ExpiryPolicy(default=MIN_TTL, max_ttl=length).calculate_expiry(NOW, None) == NOW + MIN_TTL
    )
    assert ExpiryPolicy(default=length).calculate_expiry(NOW, asked) == NOW + asked


@given(lengths)
def test_a_ttl_up_to_the_maximum_is_allowed(length: timedelta) -> None:
    policy = ExpiryPolicy(max_ttl=length)

    assert policy.calculate_expiry(NOW, length) == NOW + length
    with pytest.raises(InvalidDuration, match="at most"):
        policy.calculate_expiry(NOW, length + timedelta(seconds=1))


@pytest.mark.parametrize("max_ttl", [None, timedelta(hours=1)])
def test_an_expiry_lies_between_a_minute_and_the_maximum(max_ttl: timedelta | None) -> None:
    policy, latest = ExpiryPolicy(max_ttl=max_ttl), NOW + (max_ttl or MAX_TTL)
    for allowed in (NOW + MIN_TTL, latest):
        assert policy.validate_expiry(NOW, allowed) == allowed
    for refused in (NOW, NOW + MIN_TTL - MOMENT, latest + MOMENT):
        with pytest.raises(InvalidExpiry):
            policy.validate_expiry(NOW, refused)


def test_a_database_may_never_expire_unless_a_maximum_is_set() -> None:
    assert ExpiryPolicy(default=timedelta(hours=1)).validate_expiry(NOW, None) is None
    with pytest.raises(InvalidExpiry, match="within 1:00:00: send ttl or expires_at"):
        ExpiryPolicy(max_ttl=timedelta(hours=1)).validate_expiry(NOW, None)
