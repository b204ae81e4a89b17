"""Templates and copies over HTTP and the command line."""

import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.support.apps import RunningApp, check_problem
from tests.support.command_line import CommandResult, run_command
from tests.support.keyed_clients import KeyedApp, KeyedClient
from tests.support.polling import wait_until

PATH = "/v1/templates"


@pytest.fixture
async def shop(app: RunningApp) -> Any:
    """A database with contents."""
    shop = await app.create_database("Shop")
    app.provider.contents.write(shop["id"], "apples")
    return shop


async def create_template(app: RunningApp, **body: Any) -> Any:
    answer = await app.ask("POST", PATH, {"name": "v1", "from": "Shop"} | body)
    assert answer.status == 201, answer.body
    assert answer.headers["Location"] == f"{PATH}/{answer.body['id']}"
    return answer.body


async def list_names(client: RunningApp | KeyedClient) -> list[str]:
    answer = await client.ask("GET", PATH)
    assert answer.status == 200, answer.body
    return [template["name"] for template in answer.body["templates"]]


async def pgvend(app: RunningApp, *arguments: str, **environment: str) -> CommandResult:
    with capture_logs():  # those of the service, in the same process
        url = f"http://127.0.0.1:{app.port}"
        return await run_command(*arguments, PGVEND_URL=url, **environment)


async def test_a_template_is_created_listed_copied_and_deleted(app: RunningApp, shop: Any) -> None:
    template = await create_template(app)
    assert template["state"] == "ready"
    assert (template["name"], template["shared"]) == ("v1", False)
    assert template["source"] == shop["id"]
    assert await app.get(PATH) == {"templates": [template]}
    assert await app.get(f"{PATH}/{template['id']}") == template

    copy = await app.create_database("Copy", template="v1")
    assert copy["source"] == template["id"]
    assert app.provider.contents.read(copy["id"]) == ("apples",)
    assert app.accepts(copy["connection"])

    deleted = await app.ask("DELETE", f"{PATH}/{template['id']}")
    assert (deleted.status, deleted.body["state"]) == (202, "deleting")

    async def is_deleted() -> bool:
        return bool((await app.get(f"{PATH}/{template['id']}"))["state"] == "deleted")

    await wait_until(is_deleted)
    assert await app.get(PATH) == {"templates": []}
    assert app.accepts(copy["connection"])


async def test_a_database_is_forked_by_its_id_or_name(app: RunningApp, shop: Any) -> None:
    for number, source in enumerate((shop["id"], "Shop", "shop")):
        fork = await app.create_database(f"Fork {number}", **{"from": source})
        assert fork["source"] == shop["id"]
        assert app.provider.contents.read(fork["id"]) == ("apples",)
    assert shop["source"] is None


async def test_a_fork_can_be_created_in_the_background(app: RunningApp, shop: Any) -> None:
    body = {"nickname": "Fork", "from": shop["id"]}
    answer = await app.ask("POST", "/v1/databases", body, {"Prefer": "respond-async"})
    assert answer.status == 202

    await app.wait_for_state(answer.body["id"], "ready")
    assert app.provider.contents.read(answer.body["id"]) == ("apples",)


async def test_templates_are_not_databases(app: RunningApp, shop: Any) -> None:
    template = await create_template(app)
    path = f"/v1/databases/{template['id']}"
    for method, address in (
        ("GET", path),
        ("PATCH", path),
        ("DELETE", path),
        ("GET", f"{path}/connection"),
        ("GET", f"{path}/events"),
        ("POST", f"{path}/rotate"),
        ("POST", f"{path}/restore"),
    ):
        body: Any = {"labels": {}} if method == "PATCH" else None
        check_problem(await app.ask(method, address, body), 404, "database_not_found")
    check_problem(await app.ask("GET", f"{PATH}/{shop['id']}"), 404, "template_not_found")
    check_problem(await app.ask("DELETE", f"{PATH}/{shop['id']}"), 404, "template_not_found")

    await app.ask("DELETE", f"{PATH}/{template['id']}")
    records = await app.get("/v1/databases?state=ready&state=deleting&state=deleted")
    assert [record["id"] for record in records["databases"]] == [shop["id"]]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"template": "v2"}, 404, "template_not_found"),
        ({"from": "nothing"}, 404, "database_not_found"),
        ({"template": "v1", "from": "Shop"}, 422, "invalid_request"),
        ({"end_sessions": True}, 422, "invalid_request"),
        ({"template": ""}, 422, "invalid_request"),
        ({"from": "a" * 257}, 422, "invalid_request"),
        ({"from": "a\0"}, 404, "database_not_found"),
        ({"source": "Shop"}, 422, "invalid_request"),
    ],
)
async def test_a_bad_copy_is_refused(
    app: RunningApp, shop: Any, body: Any, status: int, code: str
) -> None:
    answer = await app.ask("POST", "/v1/databases", {"nickname": "Copy"} | body)
    check_problem(answer, status, code)
    assert await app.list_live() == [without_connection(shop)]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"name": "a b"}, 422, "invalid_request"),
        ({"name": "default"}, 422, "invalid_request"),
        ({"from": "nothing"}, 404, "database_not_found"),
        ({"from": None}, 422, "invalid_request"),
    ],
)
async def test_a_bad_template_is_refused(
    app: RunningApp, shop: Any, body: Any, status: int, code: str
) -> None:
    answer = await app.ask("POST", PATH, {"name": "v1", "from": "Shop"} | body)
    check_problem(answer, status, code)
    assert await list_names(app) == []


async def test_sessions_in_the_source_are_ended_on_request_only(app: RunningApp, shop: Any) -> None:
    for path, body in (
        (PATH, {"name": "v1", "from": "Shop"}),
        ("/v1/databases", {"nickname": "Copy", "from": "Shop"}),
    ):
        app.provider.contents.sessions[shop["id"]] = 1
        problem = await app.ask("POST", path, body)
        check_problem(problem, 409, "source_in_use")
        assert "end_sessions" in problem.body["detail"]
        assert (await app.ask("POST", path, body | {"end_sessions": True})).status == 201


async def test_an_ambiguous_nickname_is_a_conflict(app: RunningApp, shop: Any) -> None:
    other = await app.create_database("Shop")
    answer = await app.ask("POST", PATH, {"name": "v1", "from": "Shop"})
    check_problem(answer, 409, "ambiguous_name")
    assert shop["id"] in answer.body["detail"]
    assert other["id"] in answer.body["detail"]


async def test_only_admins_share_templates_and_delete_those_of_others(guarded: KeyedApp) -> None:
    ann, bob = await guarded.create_client("ann"), await guarded.create_client("bob")
    await ann.create_database("Shop")
    body = {"name": "v1", "from": "Shop"}
    check_problem(await ann.ask("POST", PATH, body | {"shared": True}), 403, "forbidden")
    own = (await ann.ask("POST", PATH, body)).body
    shared = (await guarded.admin.ask("POST", PATH, body | {"shared": True})).body

    assert await list_names(ann) == ["v1", "v1"]
    assert await list_names(bob) == ["v1"]
    address = f"{PATH}/{own['id']}"
    check_problem(await bob.ask("GET", address), 404, "template_not_found")
    check_problem(await bob.ask("DELETE", address), 404, "template_not_found")
    shared_address = f"{PATH}/{shared['id']}"
    check_problem(await bob.ask("DELETE", shared_address), 403, "forbidden")
    copy = await bob.ask("POST", "/v1/databases", {"nickname": "Copy", "template": "v1"})
    assert copy.body["source"] == shared["id"]
    events = await guarded.list_audit_events(f"&subject={own['id']}")
    assert {(event["action"], event["caller"], event["outcome"]) for event in events} == {
        ("createTemplate", "ann", "done"),
        ("deleteTemplate", "bob", "template_not_found"),
    }


async def test_the_commands_create_list_and_delete_templates(app: RunningApp, shop: Any) -> None:
    created = await pgvend(app, "template", "create", "v1", "--from", "Shop")
    assert (created.status, created.stderr) == (0, "")
    [template] = (await app.get(PATH))["templates"]
    assert created.stdout.split() == ["NAME", "ID", "STATE", "v1", template["id"], "ready"]

    listed = await pgvend(app, "template", "list")
    assert listed.stdout.splitlines()[1].split()[:3] == ["v1", template["id"], "ready"]
    as_json = await pgvend(app, "template", "list", "--json")
    assert json.loads(as_json.stdout) == {"templates": [template]}

    for option in (["--template", "v1"], ["--fork-of", "Shop", "--end-sessions"]):
        copied = await pgvend(app, "create", "Copy", *option, "--json")
        copy = json.loads(copied.stdout)
        assert app.provider.contents.read(copy["id"]) == ("apples",)

    deleted = await pgvend(app, "template", "delete", "v1")
    assert deleted.stdout.split()[3:] == ["v1", template["id"], "deleting"]
    unknown = await pgvend(app, "template", "delete", "v1", "--json")
    assert (unknown.status, "no template" in unknown.stderr) == (3, True)


async def test_the_delete_command_refuses_a_name_of_several_templates(
    guarded: KeyedApp,
) -> None:
    for name in ("ann", "bob"):
        client = await guarded.create_client(name)
        await client.create_database("Shop")
        await client.ask("POST", PATH, {"name": "v1", "from": "Shop"})

    refused = await pgvend(guarded.app, "template", "delete", "v1", PGVEND_KEY=guarded.admin.key)

    assert refused.status == 5
    templates = (await guarded.admin.ask("GET", PATH)).body["templates"]
    assert all(template["id"] in refused.stderr for template in templates)
    assert len(templates) == 2


def without_connection(created: Any) -> Any:
    return {name: value for name, value in created.items() if name != "connection"}
