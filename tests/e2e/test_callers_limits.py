"""Rates and quotas of callers, and the answers beyond them."""

import pytest

from ports.use_cases.authenticate_caller import FAILURE_RATE
from tests.support.apps import check_problem
from tests.support.idempotent_requests import LEGACY, PATH, REQUEST_BODIES
from tests.support.keyed_clients import KeyedApp

ASYNC = {"Prefer": "respond-async"}


async def test_every_answer_shows_the_remaining_requests(guarded: KeyedApp) -> None:
    ann = await guarded.create_client("ann", rate="3/min")

    answer = await ann.ask("POST", PATH, {"nickname": "Sales"})
    missed = await ann.ask("GET", f"{PATH}/db_unknown")

    assert answer.headers["RateLimit-Policy"] == '"requests";q=3;w=60'
    assert answer.headers["RateLimit"] == '"requests";r=2;t=60'
    check_problem(missed, 404, "database_not_found")
    assert missed.headers["RateLimit"] == '"requests";r=1;t=60'


async def test_a_caller_beyond_its_rate_learns_when_to_retry(guarded: KeyedApp) -> None:
    ann = await guarded.create_client("ann", rate="2/min")
    for _ in range(2):
        assert (await ann.ask("GET", PATH)).status == 200
    guarded.app.clock.passed += 20

    answer = await ann.ask("POST", PATH, {"nickname": "Sales"})

    assert check_problem(answer, 429, "rate_limited")["retryable"] is True
    assert answer.headers["Retry-After"] == "40"
    assert answer.headers["RateLimit-Policy"] == '"requests";q=2;w=60'
    assert answer.headers["RateLimit"] == '"requests";r=0;t=40'
    unlimited = await guarded.admin.ask("GET", PATH)
    assert unlimited.body["databases"] == []
    assert not {"RateLimit", "RateLimit-Policy"} & set(unlimited.headers)


async def test_forbidden_calls_count_too(guarded: KeyedApp) -> None:
    ann = await guarded.create_client("ann", ["create"], rate="1/min")
    answer = await ann.ask("GET", PATH)
    check_problem(answer, 403, "forbidden")
    assert answer.headers["RateLimit"] == '"requests";r=0;t=60'
    check_problem(await ann.ask("POST", PATH, {"nickname": "Sales"}), 429, "rate_limited")


@pytest.mark.parametrize("wrong", ["Bearer wrong", "Basic dXNlcjpwYXNz"])
async def test_an_address_with_many_wrong_keys_is_rate_limited(
    guarded: KeyedApp, wrong: str
) -> None:
    headers = {"Authorization": wrong}
    for _ in range(FAILURE_RATE.amount):
        assert (await guarded.ask("GET", PATH, headers=headers)).status == 401

    answer = await guarded.ask("GET", PATH, headers=headers)

    check_problem(answer, 429, "rate_limited")
    assert answer.headers["Retry-After"] == str(FAILURE_RATE.seconds)
    assert "RateLimit-Policy" in answer.headers
    assert (await guarded.ask("GET", "/api/test")).status == 200, "public routes still answer"
    assert (await guarded.admin.ask("GET", PATH)).status == 200


@pytest.mark.parametrize(("path", "headers"), [(PATH, {}), (PATH, ASYNC), (LEGACY, {})])
async def test_a_quota_limits_databases_that_exist_at_once(
    guarded: KeyedApp, path: str, headers: dict[str, str]
) -> None:
    ann = await guarded.create_client("ann", quota=1)
    assert (await ann.ask("POST", path, REQUEST_BODIES[path], **headers)).status in {200, 201, 202}

    answer = await ann.ask("POST", path, REQUEST_BODIES[path], **headers)

    problem = check_problem(answer, 429, "quota_reached")
    assert problem["retryable"] is False, "waiting does not help"
    assert answer.headers["RateLimit-Policy"] == '"databases";q=1'
    assert answer.headers["RateLimit"] == '"databases";r=0'
    assert len(await guarded.admin.list_databases()) == 1


async def test_a_quota_and_a_rate_are_both_shown(guarded: KeyedApp) -> None:
    ann = await guarded.create_client("ann", quota=0, rate="5/min")
    answer = await ann.ask("POST", PATH, {"nickname": "Sales"})
    check_problem(answer, 429, "quota_reached")
    assert answer.headers["RateLimit-Policy"] == '"databases";q=0, "requests";q=5;w=60'
    assert answer.headers["RateLimit"] == '"databases";r=0, "requests";r=4;t=60'
