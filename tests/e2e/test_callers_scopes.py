"""The scope of every route; a new route cannot be forgotten."""

from collections.abc import AsyncIterator

import pytest

from domain.callers import Scope
from entrypoints.http.api.routes.route import Route
from entrypoints.http.api.routes.table import ROUTES
from tests.support.apps import check_problem
from tests.support.keyed_clients import KeyedApp, KeyedClient, running_keyed_app

UNKNOWN_ID = "db_" + "0" * 26

GUARDED_ROUTES = [route for route in ROUTES if route.needs_key]
PUBLIC_ROUTES = [route for route in ROUTES if not route.needs_key and route.method == "GET"]

DOCUMENTED_SCOPES = {
    None: {
        *("test", "livez", "readyz", "openapi", "docs", "docsFolder", "asset"),
        *("index", "consoleFile", "guide", "exchangeKey", "whoami"),
    },
    Scope.CREATE: {"createDatabase", "createNeonDb"},
    Scope.READ: {
        *("listDatabases", "listExtensions", "showDatabase", "showConnection", "watchDatabase"),
        *("listTemplates", "showTemplate", "watchDatabases", "listWebhooks", "showWebhook"),
    },
    Scope.MANAGE: {
        *("changeDatabase", "deleteDatabase", "rotatePassword", "addExtension", "restoreDatabase"),
        *("createTemplate", "deleteDatabases", "deleteTemplate", "createWebhook"),
        *("deleteWebhook", "rotateWebhookSecret", "testWebhook"),
    },
    Scope.ADMIN: {
        *("reconcile", "createKey", "listKeys", "revokeKey", "listAuditEvents", "listSpares"),
        "metrics",
    },
}
"""As documented."""

each_guarded_route = pytest.mark.parametrize("route", GUARDED_ROUTES, ids=lambda route: route.name)


@pytest.fixture(scope="module")
async def guarded() -> AsyncIterator[KeyedApp]:
    async with running_keyed_app() as guarded:
        yield guarded


@pytest.fixture(scope="module")
async def holders(guarded: KeyedApp) -> dict[Scope, KeyedClient]:
    """A keyholder for each scope."""
    return {scope: await guarded.create_client(f"for-{scope}", [scope]) for scope in Scope}


def test_every_route_requires_its_documented_scope() -> None:
    for scope in (None, *Scope):
        assert {route.name for route in ROUTES if route.scope is scope} == DOCUMENTED_SCOPES[scope]


@each_guarded_route
async def test_guarded_routes_require_a_valid_key(guarded: KeyedApp, route: Route) -> None:
    guarded.app.clock.passed += 3600  # otherwise the address would be rate-limited
    wrong = KeyedClient(guarded.app, "pgv_00000000_" + "0" * 64)
    answers = {
        "unauthenticated": await guarded.ask(*_request_of(route)),
        "key_refused": await wrong.ask(*_request_of(route)),
    }

    for code, answer in answers.items():
        check_problem(answer, 401, code)
        assert answer.headers["WWW-Authenticate"] == "Bearer"


@each_guarded_route
@pytest.mark.parametrize("scope", Scope)
async def test_a_key_may_call_the_routes_of_its_scope(
    holders: dict[Scope, KeyedClient], route: Route, scope: Scope
) -> None:
    method, path = _request_of(route)
    is_stream = route.name == "watchDatabases"  # without an end
    is_allowed = scope in {route.scope, Scope.ADMIN} or route.takes_any_key
    answer = await holders[scope].ask("HEAD" if is_stream and is_allowed else method, path)
    if is_allowed:
        assert answer.status not in {401, 403}, answer.body
    else:
        problem = check_problem(answer, 403, "forbidden")
        assert f"the scope {route.scope}" in problem["detail"]


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "TRACE", "PROPFIND", "get"])
@pytest.mark.parametrize("path", sorted({route.path for route in GUARDED_ROUTES}))
async def test_other_methods_do_not_bypass_authentication(
    guarded: KeyedApp, method: str, path: str
) -> None:
    guarded.app.clock.passed += 3600
    async with guarded.app.client.request(method, path.format(id=UNKNOWN_ID)) as answer:
        assert answer.status in {401, 403, 404, 405}, await answer.text()


@pytest.mark.parametrize(
    "path", ["/v1/databases/", "/v1//databases", "/V1/databases", "/v1/./keys"]
)
async def test_other_spellings_of_a_path_do_not_bypass_authentication(
    guarded: KeyedApp, path: str
) -> None:
    guarded.app.clock.passed += 3600
    assert (await guarded.ask("GET", path)).status in {401, 404}


@pytest.mark.parametrize("route", PUBLIC_ROUTES, ids=lambda route: route.name)
async def test_public_routes_need_no_key(guarded: KeyedApp, route: Route) -> None:
    asset = "index.html" if route.name == "consoleFile" else "docs.css"
    async with guarded.app.client.get(route.path.format(asset=asset)) as answer:
        assert answer.status == 200


def _request_of(route: Route) -> tuple[str, str]:
    return route.method, route.path.format(id=UNKNOWN_ID)
