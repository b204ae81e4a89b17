"""What each key may do: of every call there is, so that a new one cannot be forgotten."""

from collections.abc import AsyncIterator

import pytest

from domain.caller import Scope
from entrypoints.http.route import Route
from entrypoints.http.routes import ROUTES
from tests.support.apps import problem_in
from tests.support.keyholders import Guarded, Keyholder, guarded_app

NOBODY = "db_" + "0" * 26

GUARDED = [route for route in ROUTES if route.scope]
FREE = [route for route in ROUTES if not route.scope]

PROMISED = {
    None: {"test", "livez", "readyz", "openapi", "docs", "asset"},
    Scope.CREATE: {"createDatabase", "createNeonDb"},
    Scope.READ: {
        *("listDatabases", "listExtensions", "showDatabase", "showConnection", "watchDatabase")
    },
    Scope.MANAGE: {
        *("changeDatabase", "deleteDatabase", "rotatePassword", "addExtension", "restoreDatabase")
    },
    Scope.ADMIN: {"reconcile", "createKey", "listKeys", "revokeKey", "listAuditEvents"},
}
"""As the documents promise it."""

each = pytest.mark.parametrize("route", GUARDED, ids=lambda route: route.name)


@pytest.fixture(scope="module")
async def guarded() -> AsyncIterator[Guarded]:
    async with guarded_app() as guarded:
        yield guarded


@pytest.fixture(scope="module")
async def holders(guarded: Guarded) -> dict[Scope, Keyholder]:
    """One for every scope, who has no other."""
    return {scope: await guarded.holder(f"for-{scope}", [scope]) for scope in Scope}


def test_every_call_takes_the_scope_that_is_promised() -> None:
    for scope in (None, *Scope):
        assert {route.name for route in ROUTES if route.scope is scope} == PROMISED[scope]


@each
async def test_without_a_right_key_nothing_is_answered(guarded: Guarded, route: Route) -> None:
    guarded.app.clock.passed += 3600  # else the address would have failed too often
    wrong = Keyholder(guarded.app, "pgv_00000000_" + "0" * 64)
    answers = {
        "unauthenticated": await guarded.ask(*_request(route)),
        "key_refused": await wrong.ask(*_request(route)),
    }

    for code, told in answers.items():
        problem_in(told, 401, code)
        assert told.headers["WWW-Authenticate"] == "Bearer"


@each
@pytest.mark.parametrize("scope", Scope)
async def test_a_key_is_good_for_what_its_scope_says(
    holders: dict[Scope, Keyholder], route: Route, scope: Scope
) -> None:
    told = await holders[scope].ask(*_request(route))
    if scope in {route.scope, Scope.ADMIN}:
        assert told.status not in {401, 403}, told.body
    else:
        problem = problem_in(told, 403, "forbidden")
        assert f"the scope {route.scope}" in problem["detail"]


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "TRACE", "PROPFIND", "get"])
@pytest.mark.parametrize("path", sorted({route.path for route in GUARDED}))
async def test_another_method_is_no_way_around(guarded: Guarded, method: str, path: str) -> None:
    guarded.app.clock.passed += 3600
    async with guarded.app.client.request(method, path.format(id=NOBODY)) as told:
        assert told.status in {401, 403, 404, 405}, await told.text()


@pytest.mark.parametrize(
    "path", ["/v1/databases/", "/v1//databases", "/V1/databases", "/v1/./keys"]
)
async def test_another_writing_of_the_address_is_no_way_around(guarded: Guarded, path: str) -> None:
    guarded.app.clock.passed += 3600
    assert (await guarded.ask("GET", path)).status in {401, 404}


@pytest.mark.parametrize("route", FREE, ids=lambda route: route.name)
async def test_what_is_for_all_is_answered_without_a_key(guarded: Guarded, route: Route) -> None:
    async with guarded.app.client.get(route.path.format(asset="docs.css")) as told:
        assert told.status == 200


def _request(route: Route) -> tuple[str, str]:
    return route.method, route.path.format(id=NOBODY)
