"""Isolation of callers: each one sees only its own databases."""

from dataclasses import replace

import pytest

from domain.callers import ANYONE, Scope
from domain.states import State
from entrypoints.http.api.routes.route import Route
from entrypoints.http.api.routes.table import ROUTES
from tests.support.apps import RunningApp, problem_in
from tests.support.idempotent_requests import LEGACY, ORDERS, PATH
from tests.support.keyed_clients import Guarded, Keyholder, guarded_app
from tests.support.records import new_record

WEB, CI = "the-web-pages-proxys-key", "the-build-machines-own-key"

OF_ONE = [route for route in ROUTES if "/databases/{id}" in route.path]

BODIES = {"changeDatabase": {"labels": {"a": "b"}}, "addExtension": {"name": "hstore"}}


async def test_callers_see_their_own_databases_and_admins_all(guarded: Guarded) -> None:
    ann, bob = await guarded.holder("ann"), await guarded.holder("bob")
    anns, bobs = await ann.vend("Sales"), await bob.vend("Stock")
    assert await ann.list() == {anns["id"]}
    assert await bob.list() == {bobs["id"]}
    assert await guarded.admin.list() == {anns["id"], bobs["id"]}


@pytest.mark.parametrize("route", OF_ONE, ids=lambda route: route.name)
async def test_a_foreign_database_is_not_found(guarded: Guarded, route: Route) -> None:
    ann, bob = await guarded.holder("ann"), await guarded.holder("bob")
    anns = await ann.vend()
    path = f"/v1/databases/{anns['id']}"
    before = (await ann.ask("GET", path)).body

    foreign = await bob.ask(route.method, _at(route, anns["id"]), BODIES.get(route.name))
    unknown = await bob.ask(route.method, _at(route, _other(anns["id"])), BODIES.get(route.name))

    foreign_problem, unknown_problem = (
        problem_in(each, 404, "database_not_found") for each in (foreign, unknown)
    )
    assert (
        foreign_problem["detail"].replace(anns["id"], _other(anns["id"]))
        == unknown_problem["detail"]
    )
    assert (await ann.ask("GET", path)).body == before
    assert guarded.app.accepts(anns["connection"])


@pytest.mark.parametrize("path", [PATH, LEGACY])
async def test_keys_from_the_settings_are_callers_too(path: str) -> None:
    async with guarded_app(api_keys=f"web={WEB},{CI}") as guarded:
        web, ci = Keyholder(guarded.app, WEB), Keyholder(guarded.app, CI)
        assert (await web.ask("POST", path, ORDERS[path])).status in {200, 201}
        assert len(await web.list()) == 1
        assert await ci.list() == set()
        assert problem_in(await web.ask("GET", "/v1/keys"), 403, "forbidden")


async def test_databases_created_without_keys_belong_to_anyone(guarded: Guarded) -> None:
    old = await guarded.app.records.registry.add(new_record(state=State.READY))
    ann, anyone = await guarded.holder("ann"), await guarded.holder("anyone")
    assert (old.caller, await ann.list()) == (ANYONE.name, set())
    assert await anyone.list() == await guarded.admin.list() == {old.id}


async def test_an_open_service_shows_all_databases() -> None:
    async with guarded_app(admin_key=None) as guarded:
        made = await guarded.app.vend()
        theirs = await guarded.app.records.registry.add(replace(new_record(), caller="ann"))
        answer = await guarded.ask("GET", PATH)
        assert {each["id"] for each in answer.body["databases"]} == {made["id"], theirs.id}


NO_KEYS = [
    *("Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "Bearer x", "bearer of bad news", "\xff"),
    *("Bearer \xff\xfe", "Bearer " + "x" * 4000, "Token x", "pgv_00000000"),
]
no_keys = pytest.mark.parametrize("header", NO_KEYS, ids=lambda header: header[:12])


@no_keys
async def test_an_open_service_ignores_credentials(app: RunningApp, header: str) -> None:
    assert (await app.ask("GET", PATH, headers={"Authorization": header})).status == 200


@no_keys
@pytest.mark.parametrize("path", [PATH, LEGACY])
async def test_an_invalid_key_is_refused(guarded: Guarded, path: str, header: str) -> None:
    answer = await guarded.ask("POST", path, ORDERS[path], {"Authorization": header})
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert await guarded.admin.list() == set()


async def test_two_keys_or_a_key_in_the_address_are_refused(guarded: Guarded) -> None:
    """Addresses appear in logs and browser histories."""
    ann = await guarded.holder("ann")
    headers = [("Authorization", f"Bearer {key}") for key in (ann.key, guarded.admin.key)]
    address = f"{PATH}?access_token={guarded.admin.key}"
    problem_in(await guarded.ask("GET", PATH, headers=headers), 401, "unauthenticated")
    problem_in(await guarded.ask("GET", address), 401, "unauthenticated")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  "])
async def test_the_scheme_is_not_case_sensitive(guarded: Guarded, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {guarded.admin.key}"}
    assert (await guarded.ask("GET", PATH, headers=headers)).status == 200


def _at(route: Route, database_id: str) -> str:
    return route.path.format(id=database_id)


def _other(database_id: str) -> str:
    """Return an id that no database has."""
    return database_id[:-1] + ("0" if database_id[-1] != "0" else "1")


def test_all_routes_of_one_database_are_tested() -> None:
    assert {route.scope for route in OF_ONE} == {Scope.READ, Scope.MANAGE}
    assert len(OF_ONE) >= 7
