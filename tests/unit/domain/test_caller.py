"""Who asks, and what they may ask for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.caller import ANYONE, Caller, Scope
from domain.errors import Forbidden
from tests.support.people import ANN, OPERATOR, person

APP = "https://app.example"

scopes = st.frozensets(st.sampled_from(Scope))


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


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "",
        "null",
        "http://app.example",
        f"{APP}:8443",
        f"{APP}/",
        f"{APP}.evil.example",
        "https://evil.example",
        f"{APP}, https://evil.example",
        "*",
    ],
)
def test_a_key_for_web_pages_is_for_nothing_else(origin: str | None) -> None:
    with pytest.raises(Forbidden, match="web pages of other origins"):
        person("web", origins=frozenset({APP})).check_origin(origin)
