"""How often a caller may ask, how much it may have, and what it is told beyond that."""

import pytest

from ports.driving.admit import FAILURES
from tests.support.apps import problem_in
from tests.support.keyed import LEGACY, ORDERS, PATH
from tests.support.keyholders import Guarded

ASYNC = {"Prefer": "respond-async"}


async def test_every_answer_says_what_is_left_of_the_rate(guarded: Guarded) -> None:
    ann = await guarded.holder("ann", rate="3/min")

    made = await ann.ask("POST", PATH, {"nickname": "Sales"})
    missed = await ann.ask("GET", f"{PATH}/db_unknown")

    assert made.headers["RateLimit-Policy"] == '"requests";q=3;w=60'
    assert made.headers["RateLimit"] == '"requests";r=2;t=60'
    problem_in(missed, 404, "database_not_found")
    assert missed.headers["RateLimit"] == '"requests";r=1;t=60'


async def test_who_asks_too_often_is_told_when_to_come_back(guarded: Guarded) -> None:
    ann = await guarded.holder("ann", rate="2/min")
    for _ in range(2):
        assert (await ann.ask("GET", PATH)).status == 200
    guarded.app.clock.passed += 20

    told = await ann.ask("POST", PATH, {"nickname": "Sales"})

    assert problem_in(told, 429, "rate_limited")["retryable"] is True
    assert told.headers["Retry-After"] == "40"
    assert told.headers["RateLimit-Policy"] == '"requests";q=2;w=60'
    assert told.headers["RateLimit"] == '"requests";r=0;t=40'
    unlimited = await guarded.admin.ask("GET", PATH)
    assert unlimited.body["databases"] == []
    assert not {"RateLimit", "RateLimit-Policy"} & set(unlimited.headers)


async def test_what_a_key_may_not_do_counts_too(guarded: Guarded) -> None:
    ann = await guarded.holder("ann", ["create"], rate="1/min")
    told = await ann.ask("GET", PATH)
    problem_in(told, 403, "forbidden")
    assert told.headers["RateLimit"] == '"requests";r=0;t=60'
    problem_in(await ann.ask("POST", PATH, {"nickname": "Sales"}), 429, "rate_limited")


@pytest.mark.parametrize("wrong", ["Bearer wrong", "Basic dXNlcjpwYXNz"])
async def test_an_address_with_wrong_keys_is_told_to_wait(guarded: Guarded, wrong: str) -> None:
    headers = {"Authorization": wrong}
    for _ in range(FAILURES.amount):
        assert (await guarded.ask("GET", PATH, headers=headers)).status == 401

    told = await guarded.ask("GET", PATH, headers=headers)

    problem_in(told, 429, "rate_limited")
    assert told.headers["Retry-After"] == str(FAILURES.seconds)
    assert "RateLimit-Policy" in told.headers
    assert (await guarded.ask("GET", "/api/test")).status == 200, "what is for all is answered"
    assert (await guarded.admin.ask("GET", PATH)).status == 200


@pytest.mark.parametrize(("path", "headers"), [(PATH, {}), (PATH, ASYNC), (LEGACY, {})])
async def test_a_quota_bounds_what_exists_at_once(
    guarded: Guarded, path: str, headers: dict[str, str]
) -> None:
    ann = await guarded.holder("ann", quota=1)
    assert (await ann.ask("POST", path, ORDERS[path], **headers)).status in {200, 201, 202}

    told = await ann.ask("POST", path, ORDERS[path], **headers)

    problem = problem_in(told, 429, "quota_reached")
    assert problem["retryable"] is False, "waiting alone makes no room"
    assert told.headers["RateLimit-Policy"] == '"databases";q=1'
    assert told.headers["RateLimit"] == '"databases";r=0'
    assert len(await guarded.admin.list()) == 1


async def test_a_quota_and_a_rate_are_both_told(guarded: Guarded) -> None:
    ann = await guarded.holder("ann", quota=0, rate="5/min")
    told = await ann.ask("POST", PATH, {"nickname": "Sales"})
    problem_in(told, 429, "quota_reached")
    assert told.headers["RateLimit-Policy"] == '"databases";q=0, "requests";q=5;w=60'
    assert told.headers["RateLimit"] == '"databases";r=0, "requests";r=4;t=60'
