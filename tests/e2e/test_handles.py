"""Names in the addresses of databases and templates."""

from typing import Any
from urllib.parse import quote

import pytest

from entrypoints.http.api.routes.route import Route
from entrypoints.http.api.routes.table import ROUTES
from tests.support.apps import RunningApp, check_problem
from tests.support.keyed_clients import KeyedApp

PATH = "/v1/databases"

STREAM = "watchDatabase"

NAMED_ROUTES = [
    route
    for route in ROUTES
    if "/databases/{id}" in route.path and route.method != "DELETE" and route.name != STREAM
]
BODIES = {"changeDatabase": {"labels": {"a": "b"}}, "addExtension": {"name": "citext"}}

ODD_NICKNAMES = ["Web Shop", "a/b", "a{b}", "100%", "50%2F", "?x=1&y#z", "größe", "db_1", "../../x"]


@pytest.mark.parametrize("route", NAMED_ROUTES, ids=lambda route: route.name)
async def test_a_route_of_a_database_accepts_its_name_and_its_nickname(
    guarded: KeyedApp, route: Route
) -> None:
    ann, bob = await guarded.create_client("ann"), await guarded.create_client("bob")
    database = await ann.create_database("Web Shop")
    await bob.create_database("Web Shop")

    by_id, *by_name = [
        await ann.ask(route.method, route.path.format(id=handle), BODIES.get(route.name))
        for handle in (database["id"], "webshop", "Web%20Shop")
    ]

    assert by_id.status in {200, 409}
    assert [answer.status for answer in by_name] == [by_id.status] * 2
    if route.is_audited:
        events = await guarded.list_audit_events(f"&subject={database['id']}")
        assert [event["action"] for event in events].count(route.name) == 3


async def test_a_database_is_watched_by_its_nickname(app: RunningApp) -> None:
    await app.create_database("Web Shop")
    answer = await app.ask("HEAD", f"{PATH}/Web%20Shop/events")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/event-stream")
    check_problem(await app.ask("GET", f"{PATH}/other/events"), 404, "database_not_found")


@pytest.mark.parametrize("nickname", ODD_NICKNAMES)
async def test_a_nickname_is_found_with_its_characters_escaped(
    app: RunningApp, nickname: str
) -> None:
    database = await app.create_database(nickname)
    assert (await app.get(f"{PATH}/{quote(nickname, safe='')}"))["id"] == database["id"]


async def test_an_ambiguous_nickname_is_answered_with_the_ids(app: RunningApp) -> None:
    ids = [(await app.create_database("Shop"))["id"] for _ in range(2)]
    problem = check_problem(await app.ask("GET", f"{PATH}/Shop"), 409, "ambiguous_name")
    assert all(each in problem["detail"] for each in ids)


async def test_a_deletion_takes_an_id_alone(app: RunningApp) -> None:
    """A repeated request must not delete a database that was created since."""
    await app.create_database("Shop")
    await create_template(app)
    for path, code in [(PATH, "database_not_found"), ("/v1/templates", "template_not_found")]:
        problem = check_problem(await app.ask("DELETE", f"{path}/shop"), 404, code)
        assert "DELETE takes an id" in problem["detail"]
    assert len(await app.list_live()) == 1
    assert (await app.get("/v1/templates/shop"))["state"] == "ready"


async def test_a_template_is_found_by_its_name(app: RunningApp) -> None:
    await app.create_database("Shop")
    template = await create_template(app)
    assert await app.get("/v1/templates/shop") == template
    check_problem(await app.ask("GET", "/v1/templates/other"), 404, "template_not_found")


async def create_template(app: RunningApp) -> Any:
    answer = await app.ask("POST", "/v1/templates", {"name": "shop", "from": "Shop"})
    assert answer.status == 201, answer.body
    return answer.body
