"""Who asks, what they may ask for, and how often."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.caller import ANYONE, Caller, Scope
from domain.errors import Forbidden, InvalidRequest, RateLimited
from domain.rate import SHAPE, Rate, parse_rate
from tests.support.people import ANN, OPERATOR, person

APP = "https://app.example"

UNITS = {"s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60}
UNITS |= {"h": 3600, "hour": 3600, "d": 86400, "day": 86400}

scopes = st.frozensets(st.sampled_from(Scope))
amounts = st.integers(1, 999_999)


@given(scopes, st.sampled_from(Scope))
def test_a_caller_may_do_what_its_key_is_for(held: frozenset[Scope], needed: Scope) -> None:
    caller = Caller(name="ann", scopes=held)

    if needed in held or Scope.ADMIN in held:
        caller.check_may(needed)
    else:
        with pytest.raises(Forbidden, match=f"the scope {needed}"):
            caller.check_may(needed)


@given(scopes)
def test_only_an_admin_sees_what_others_have(held: frozenset[Scope]) -> None:
    caller = Caller(name="ann", scopes=held)
    assert caller.sees("ann")
    assert caller.sees("bob") == (Scope.ADMIN in held)


@pytest.mark.parametrize("other", ["Ann", "ann ", "", "an"])
def test_a_name_that_is_nearly_the_same_is_another(other: str) -> None:
    assert not ANN.sees(other)


def test_without_keys_everything_may_be_done() -> None:
    for scope in Scope:
        ANYONE.check_may(scope)


@pytest.mark.parametrize("origin", [None, APP, "null"])
def test_a_key_for_everything_is_not_asked_for_an_origin(origin: str | None) -> None:
    OPERATOR.check_origin(origin)


@pytest.mark.parametrize("origin", [APP, "HTTPS://App.Example"])
def test_a_key_for_web_pages_is_for_their_origins(origin: str) -> None:
    person("web", origins=frozenset({APP})).check_origin(origin)


OTHER_ORIGINS = [None, "", "null", "http://app.example", "https://evil.example", "*"]
OTHER_ORIGINS += [APP + more for more in (":8443", "/", ".evil.example", ", https://evil.example")]


@pytest.mark.parametrize("origin", OTHER_ORIGINS)
def test_a_key_for_web_pages_is_for_nothing_else(origin: str | None) -> None:
    with pytest.raises(Forbidden, match="does not allow requests from this origin"):
        person("web", origins=frozenset({APP})).check_origin(origin)


@given(amounts, st.sampled_from(sorted(UNITS)))
def test_a_rate_is_an_amount_and_a_unit_and_is_read_as_it_is_shown(amount: int, unit: str) -> None:
    rate = parse_rate(f"{amount}/{unit}")
    assert rate == Rate(amount, UNITS[unit])
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
        *("", "10", "10/", "/min", "0/min", "-1/s", "1.5/s", "01/s", "1000000/s", "10/week"),
        *("10 /min", "10/MIN", "10/min\n", "10/mins", "10/2min", "\u0661/s", "10/min;5/s"),
        "1" * 10_000,
    ],
    ids=lambda text: ascii(text[:20]),
)
def test_what_is_no_rate_is_refused_and_not_repeated_at_any_length(text: str) -> None:
    with pytest.raises(InvalidRequest, match="is not a rate: write 10/min") as caught:
        parse_rate(text)
    assert len(str(caught.value)) < 200


@given(amounts, st.integers(1, 2_000_000))
def test_as_many_are_granted_as_the_amount(amount: int, hits: int) -> None:
    allowance = Rate(amount, 60).allowance(hits, 1.5)
    assert allowance.is_granted == (hits <= amount)
    assert allowance.remaining == max(0, amount - hits)


def test_what_was_not_granted_says_when_to_come_back() -> None:
    Rate(1, 60).allowance(1, 1.5).check("Too many.")
    with pytest.raises(RateLimited, match="Too many") as caught:
        Rate(1, 60).allowance(2, 1.5).check("Too many.")

    error = caught.value
    assert (error.amount, error.seconds, error.retry_after) == (1, 60, 1.5)
    assert error.retryable
