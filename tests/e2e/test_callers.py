"""Isolation of callers: each one sees only its own databases."""

from dataclasses import replace

import pytest

from domain.callers import ANYONE, Scope
from domain.lifecycle import State
from entrypoints.http.api.routes.route import Route
from entrypoints.http.api.routes.table import ROUTES
from tests.support.apps import RunningApp, check_problem
from tests.support.idempotent_requests import LEGACY, PATH, REQUEST_BODIES
from tests.support.keyed_clients import KeyedApp, KeyedClient, running_keyed_app
from tests.support.records import new_record

WEB, CI = "the-web-pages-proxys-key", "the-build-machines-own-key"

DATABASE_ROUTES = [route for route in ROUTES if "/databases/{id}" in route.path]

BODIES = {"changeDatabase": {"labels": {"a": "b"}}, "addExtension": {"name": "hstore"}}


async def test_callers_see_their_own_databases_and_admins_all(guarded: KeyedApp) -> None:
    ann, bob = await guarded.create_client("ann"), await guarded.create_client("bob")
    anns, bobs = await ann.create_database("Sales"), await bob.create_database("Stock")
    assert await ann.list_databases() == {anns["id"]}
    assert await bob.list_databases() == {bobs["id"]}
    assert await guarded.admin.list_databases() == {anns["id"], bobs["id"]}


@pytest.mark.parametrize("route", DATABASE_ROUTES, ids=lambda route: route.name)
async def test_a_foreign_database_is_not_found(guarded: KeyedApp, route: Route) -> None:
    ann, bob = await guarded.create_client("ann"), await guarded.create_client("bob")
    anns = await ann.create_database()
    path = f"/v1/databases/{anns['id']}"
    before = (await ann.ask("GET", path)).body

    foreign = await bob.ask(route.method, _path_of(route, anns["id"]), BODIES.get(route.name))
    unknown = await bob.ask(
        route.method, _path_of(route, _unknown_id(anns["id"])), BODIES.get(route.name)
    )

    foreign_problem, unknown_problem = (
        check_problem(each, 404, "database_not_found") for each in (foreign, unknown)
    )
    assert (
        foreign_problem["detail"].replace(anns["id"], _unknown_id(anns["id"]))
        == unknown_problem["detail"]
    )
    assert (await ann.ask("GET", path)).body == before
    assert guarded.app.accepts(anns["connection"])


@pytest.mark.parametrize("path", [PATH, LEGACY])
async def test_keys_from_the_settings_are_callers_too(path: str) -> None:
    async with running_keyed_app(api_keys=f"web={WEB},{CI}") as guarded:
        web, ci = KeyedClient(guarded.app, WEB), KeyedClient(guarded.app, CI)
        assert (await web.ask("POST", path, REQUEST_BODIES[path])).status in {200, 201}
        assert len(await web.list_databases()) == 1
        assert await ci.list_databases() == set()
        assert check_problem(await web.ask("GET", "/v1/keys"), 403, "forbidden")


async def test_databases_created_without_keys_belong_to_anyone(guarded: KeyedApp) -> None:
    old = await guarded.app.records.registry.add(new_record(state=State.READY))
    ann, anyone = await guarded.create_client("ann"), await guarded.create_client("anyone")
    assert (old.caller, await ann.list_databases()) == (ANYONE.name, set())
    assert await anyone.list_databases() == await guarded.admin.list_databases() == {old.id}


async def test_an_open_service_shows_all_databases() -> None:
    async with running_keyed_app(admin_key=None) as guarded:
        database = await guarded.app.create_database()
        theirs = await guarded.app.records.registry.add(replace(new_record(), caller="ann"))
        answer = await guarded.ask("GET", PATH)
        assert {each["id"] for each in answer.body["databases"]} == {database["id"], theirs.id}


INVALID_KEYS = [
    *("Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "Bearer x", "bearer of bad news", "\xff"),
    *("Bearer \xff\xfe", "Bearer " + "x" * 4000, "Token x", "pgv_00000000"),
]
invalid_keys = pytest.mark.parametrize("header", INVALID_KEYS, ids=lambda header: header[:12])


@invalid_keys
async def test_an_open_service_ignores_credentials(app: RunningApp, header: str) -> None:
    assert (await app.ask("GET", PATH, headers={"Authorization": header})).status == 200


@invalid_keys
@pytest.mark.parametrize("path", [PATH, LEGACY])
async def test_an_invalid_key_is_refused(guarded: KeyedApp, path: str, header: str) -> None:
    answer = await guarded.ask("POST", path, REQUEST_BODIES[path], {"Authorization": header})
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert await guarded.admin.list_databases() == set()


async def test_two_keys_or_a_key_in_the_address_are_refused(guarded: KeyedApp) -> None:
    """Addresses appear in logs and browser histories."""
    ann = await guarded.create_client("ann")
    headers = [("Authorization", f"Bearer {key}") for key in (ann.key, guarded.admin.key)]
    address = f"{PATH}?access_token={guarded.admin.key}"
    check_problem(await guarded.ask("GET", PATH, headers=headers), 401, "unauthenticated")
    check_problem(await guarded.ask("GET", address), 401, "unauthenticated")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  "])
async def test_the_scheme_is_not_case_sensitive(guarded: KeyedApp, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {guarded.admin.key}"}
    assert (await guarded.ask("GET", PATH, headers=headers)).status == 200


def _path_of(route: Route, database_id: str) -> str:
    return route.path.format(id=database_id)


def _unknown_id(database_id: str) -> str:
    """Return an id that no database has."""
    return database_id[:-1] + ("0" if database_id[-1] != "0" else "1")


def test_all_routes_of_one_database_are_tested() -> None:
    assert {route.scope for route in DATABASE_ROUTES} == {Scope.READ, Scope.MANAGE}
    assert len(DATABASE_ROUTES) >= 7
