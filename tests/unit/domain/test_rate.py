"""How often something may be done: written as `10/min`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidRequest, RateLimited
from domain.rate import SHAPE, Rate, parse_rate

UNITS = {"s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60}
UNITS |= {"h": 3600, "hour": 3600, "d": 86400, "day": 86400}

amounts = st.integers(1, 999_999)


@given(amounts, st.sampled_from(sorted(UNITS)))
def test_a_rate_is_an_amount_and_a_unit(amount: int, unit: str) -> None:
    assert parse_rate(f"{amount}/{unit}") == Rate(amount, UNITS[unit])


@given(amounts, st.sampled_from([1, 60, 3600, 86400]))
def test_a_rate_is_read_back_from_how_it_is_shown(amount: int, seconds: int) -> None:
    rate = Rate(amount, seconds)

    assert parse_rate(str(rate)) == rate


@given(st.text())
def test_anything_else_is_refused_in_our_words(text: str) -> None:
    try:
        rate = parse_rate(text)
    except InvalidRequest:
        assert not SHAPE.fullmatch(text)
    else:
        assert text.startswith(f"{rate.amount}/")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10",
        "10/",
        "/min",
        "0/min",
        "-1/s",
        "1.5/s",
        "01/s",
        "1000000/s",
        "10/week",
        "10 /min",
        "10/MIN",
        "10/min\n",
        "10/mins",
        "10/2min",
        "\u0661/s",
        "10/min;5/s",
    ],
)
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="is no rate: write it as 10/min"):
        parse_rate(text)


def test_a_mistake_is_not_repeated_at_any_length() -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_rate("1" * 10_000)

    assert len(str(caught.value)) < 200


@given(amounts, st.integers(1, 2_000_000))
def test_as_many_are_granted_as_the_amount(amount: int, hits: int) -> None:
    allowance = Rate(amount, 60).allowance(hits, 1.5)

    assert allowance.is_granted == (hits <= amount)
    assert allowance.remaining == max(0, amount - hits)


def test_what_was_granted_passes() -> None:
    Rate(1, 60).allowance(1, 1.5).check("Too many.")


def test_what_was_not_granted_says_when_to_come_back() -> None:
    with pytest.raises(RateLimited, match="Too many") as caught:
        Rate(1, 60).allowance(2, 1.5).check("Too many.")

    error = caught.value
    assert (error.amount, error.seconds, error.retry_after) == (1, 60, 1.5)
    assert error.retryable
