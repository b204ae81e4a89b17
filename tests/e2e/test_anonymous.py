"""Callers without a key, such as the old frontend, at a service that requires keys."""

from collections.abc import AsyncIterator

import pytest

from entrypoints.http.api.routes.route import Route
from entrypoints.http.api.routes.table import ROUTES
from tests.support.apps import Answer, check_problem
from tests.support.idempotent_requests import LEGACY, PATH, REQUEST_BODIES, idempotency_headers
from tests.support.keyed_clients import KeyedApp, bearer, running_keyed_app

LIMITS = "rate=5/min,quota=2,ttl=24h"
ALLOWED_ORIGIN = "https://app.example"
WRONG_KEY = "pgv_00000000_" + "0" * 64
CLOSED_ROUTES = [route for route in ROUTES if route.needs_key and route.path != LEGACY]

Headers = list[tuple[str, str]]


@pytest.fixture
async def anonymous_service() -> AsyncIterator[KeyedApp]:
    async with running_keyed_app(
        anonymous_create=LIMITS, cors_allow_origins=ALLOWED_ORIGIN
    ) as guarded:
        yield guarded


async def create_by_legacy_route(
    guarded: KeyedApp, headers: Headers | dict[str, str] | None = None
) -> Answer:
    return await guarded.ask("POST", LEGACY, REQUEST_BODIES[LEGACY], headers)


async def test_the_original_route_accepts_callers_without_a_key(
    anonymous_service: KeyedApp,
) -> None:
    answer = await create_by_legacy_route(anonymous_service, {"Origin": ALLOWED_ORIGIN})

    assert answer.status == 200
    assert answer.body["database_name"] == "again"
    assert answer.headers["Access-Control-Allow-Origin"] == ALLOWED_ORIGIN
    assert answer.headers["RateLimit-Policy"] == '"requests";q=5;w=60'
    (record,) = (await anonymous_service.admin.ask("GET", PATH)).body["databases"]
    assert record["caller"] == "anonymous"
    assert record["expires_at"][:10] > record["created_at"][:10]


async def test_anonymous_creations_are_audited_and_refusals_are_not(
    anonymous_service: KeyedApp,
) -> None:
    answers = [await create_by_legacy_route(anonymous_service) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    check_problem(answers[2], 429, "quota_reached")
    trail = await anonymous_service.list_audit_events("&caller=anonymous")
    assert [entry["action"] for entry in trail] == ["createNeonDb"] * 2
    assert all(entry["address"] and entry["subject"] for entry in trail)


@pytest.mark.parametrize(
    "headers",
    [
        [*bearer(WRONG_KEY).items()],
        [("Authorization", "Bearer")],
        [*bearer("wrong").items()] * 2,
        [("Authorization", "Basic eDp5"), *bearer("wrong").items()],
    ],
)
async def test_a_wrong_key_is_refused(anonymous_service: KeyedApp, headers: Headers) -> None:
    assert (await create_by_legacy_route(anonymous_service, headers)).status == 401
    assert (await anonymous_service.admin.ask("GET", PATH)).body["databases"] == []


@pytest.mark.parametrize("route", CLOSED_ROUTES, ids=lambda route: route.name)
async def test_all_other_routes_require_a_key(anonymous_service: KeyedApp, route: Route) -> None:
    path = route.path.format(id="db_01m8315gp3jqx678vhy1abwzn9")
    check_problem(await anonymous_service.ask(route.method, path), 401, "unauthenticated")


async def test_a_key_still_works_at_the_original_route(anonymous_service: KeyedApp) -> None:
    ann = await anonymous_service.create_client("ann")
    assert (
        await create_by_legacy_route(anonymous_service, bearer(ann.key) | idempotency_headers())
    ).status == 200
    assert len(await ann.list_databases()) == 1


async def test_the_document_shows_that_only_this_route_needs_no_key(
    anonymous_service: KeyedApp,
) -> None:
    described = (await anonymous_service.ask("GET", "/openapi.json")).body["paths"]
    assert {} in described[LEGACY]["post"]["security"]
    assert {} not in described[PATH]["post"]["security"]
