"""Callers without a key, such as the old frontend, at a service that requires keys."""

from collections.abc import AsyncIterator

import pytest

from entrypoints.http.api.routes.route import Route
from entrypoints.http.api.routes.table import ROUTES
from tests.support.apps import Answer, problem_in
from tests.support.idempotent_requests import LEGACY, ORDERS, PATH, keyed
from tests.support.keyed_clients import Guarded, bearer, guarded_app

LIMITS = "rate=5/min,quota=2,ttl=24h"
OURS = "https://app.example"
WRONG = "pgv_00000000_" + "0" * 64
CLOSED = [route for route in ROUTES if route.scope and route.path != LEGACY]

Headers = list[tuple[str, str]]


@pytest.fixture
async def opened() -> AsyncIterator[Guarded]:
    async with guarded_app(anonymous_create=LIMITS, cors_allow_origins=OURS) as guarded:
        yield guarded


async def ordered(guarded: Guarded, headers: Headers | dict[str, str] | None = None) -> Answer:
    return await guarded.ask("POST", LEGACY, ORDERS[LEGACY], headers)


async def test_the_original_route_accepts_callers_without_a_key(opened: Guarded) -> None:
    answer = await ordered(opened, {"Origin": OURS})

    assert answer.status == 200
    assert answer.body["database_name"] == "again"
    assert answer.headers["Access-Control-Allow-Origin"] == OURS
    assert answer.headers["RateLimit-Policy"] == '"requests";q=5;w=60'
    (record,) = (await opened.admin.ask("GET", PATH)).body["databases"]
    assert record["caller"] == "anonymous"
    assert record["expires_at"][:10] > record["created_at"][:10]


async def test_anonymous_creations_are_audited_and_refusals_are_not(opened: Guarded) -> None:
    answers = [await ordered(opened) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    problem_in(answers[2], 429, "quota_reached")
    trail = await opened.trail("&caller=anonymous")
    assert [entry["action"] for entry in trail] == ["createNeonDb"] * 2
    assert all(entry["address"] and entry["subject"] for entry in trail)


@pytest.mark.parametrize(
    "headers",
    [
        [*bearer(WRONG).items()],
        [("Authorization", "Bearer")],
        [*bearer("wrong").items()] * 2,
        [("Authorization", "Basic eDp5"), *bearer("wrong").items()],
    ],
)
async def test_a_wrong_key_is_refused(opened: Guarded, headers: Headers) -> None:
    assert (await ordered(opened, headers)).status == 401
    assert (await opened.admin.ask("GET", PATH)).body["databases"] == []


@pytest.mark.parametrize("route", CLOSED, ids=lambda route: route.name)
async def test_all_other_routes_require_a_key(opened: Guarded, route: Route) -> None:
    path = route.path.format(id="db_01m8315gp3jqx678vhy1abwzn9")
    problem_in(await opened.ask(route.method, path), 401, "unauthenticated")


async def test_a_key_still_works_at_the_original_route(opened: Guarded) -> None:
    ann = await opened.holder("ann")
    assert (await ordered(opened, bearer(ann.key) | keyed())).status == 200
    assert len(await ann.list()) == 1


async def test_the_document_shows_that_only_this_route_needs_no_key(opened: Guarded) -> None:
    described = (await opened.ask("GET", "/openapi.json")).body["paths"]
    assert {} in described[LEGACY]["post"]["security"]
    assert {} not in described[PATH]["post"]["security"]
