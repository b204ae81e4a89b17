"""Callers, scopes, origins and rates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.callers import ANYONE, Caller, Scope
from domain.errors import Forbidden, InvalidRequest, RateLimited
from domain.rates import RATE_PATTERN, Rate, parse_rate
from tests.support.people import ANN, OPERATOR, create_caller

APP = "https://app.example"

UNITS = {"s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60}
UNITS |= {"h": 3600, "hour": 3600, "d": 86400, "day": 86400}

scopes = st.frozensets(st.sampled_from(Scope))
amounts = st.integers(1, 999_999)


@given(scopes, st.sampled_from(Scope))
def test_a_caller_may_use_the_scopes_of_its_key(held: frozenset[Scope], needed: Scope) -> None:
    caller = Caller(name="ann", scopes=held)

    if needed in held or Scope.ADMIN in held:
        caller.check_scope(needed)
    else:
        with pytest.raises(Forbidden, match=f"the scope {needed}"):
            caller.check_scope(needed)


@given(scopes)
def test_only_an_admin_sees_databases_of_others(held: frozenset[Scope]) -> None:
    caller = Caller(name="ann", scopes=held)
    assert caller.can_see("ann")
    assert caller.can_see("bob") == (Scope.ADMIN in held)


@pytest.mark.parametrize("other", ["Ann", "ann ", "", "an"])
def test_a_similar_name_is_another_caller(other: str) -> None:
    assert not ANN.can_see(other)


def test_without_keys_every_scope_is_allowed() -> None:
    for scope in Scope:
        ANYONE.check_scope(scope)


@pytest.mark.parametrize("origin", [None, APP, "null"])
def test_a_key_without_origins_allows_every_origin(origin: str | None) -> None:
    OPERATOR.check_origin(origin)


@pytest.mark.parametrize("origin", [APP, "HTTPS://App.Example"])
def test_a_key_with_origins_allows_those(origin: str) -> None:
    create_caller("web", origins=frozenset({APP})).check_origin(origin)


OTHER_ORIGINS = [None, "", "null", "http://app.example", "https://evil.example", "*"]
OTHER_ORIGINS += [APP + more for more in (":8443", "/", ".evil.example", ", https://evil.example")]


@pytest.mark.parametrize("origin", OTHER_ORIGINS)
def test_a_key_with_origins_allows_no_others(origin: str | None) -> None:
    with pytest.raises(Forbidden, match="does not allow requests from this origin"):
        create_caller("web", origins=frozenset({APP})).check_origin(origin)


@given(amounts, st.sampled_from(sorted(UNITS)))
def test_a_rate_is_an_amount_and_a_unit_and_parses_its_own_text(amount: int, unit: str) -> None:
    rate = parse_rate(f"{amount}/{unit}")
    assert rate == Rate(amount, UNITS[unit])
    assert parse_rate(str(rate)) == rate


@given(st.text())
def test_any_other_text_is_an_invalid_request(text: str) -> None:
    try:
        rate = parse_rate(text)
    except InvalidRequest:
        assert not RATE_PATTERN.fullmatch(text)
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
def test_an_invalid_rate_is_quoted_only_in_part(text: str) -> None:
    with pytest.raises(InvalidRequest, match="is not a rate: write 10/min") as caught:
        parse_rate(text)
    assert len(str(caught.value)) < 200


@given(amounts, st.integers(1, 2_000_000))
def test_a_rate_grants_its_amount(amount: int, hits: int) -> None:
    allowance = Rate(amount, 60).calculate_allowance(hits, 1.5)
    assert allowance.is_granted == (hits <= amount)
    assert allowance.remaining == max(0, amount - hits)


def test_a_refusal_has_retry_after() -> None:
    Rate(1, 60).calculate_allowance(1, 1.5).check("Too many.")
    with pytest.raises(RateLimited, match="Too many") as caught:
        Rate(1, 60).calculate_allowance(2, 1.5).check("Too many.")

    error = caught.value
    assert (error.amount, error.seconds, error.retry_after) == (1, 60, 1.5)
    assert error.retryable
