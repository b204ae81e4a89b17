"""Every answer of the emulator is as Neon describes its own."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from entrypoints.neon_emulator.behaviour import Behaviour
from entrypoints.neon_emulator.faults import Fault, How
from tests.support.neon.all_calls import (
    change_a_project,
    change_roles_and_databases,
    change_the_compute,
    read_everything,
)
from tests.support.neon.conformity import Conformity, conformity
from tests.support.neon.emulator import RunningEmulator, running_emulator
from tests.support.neon.exchange import API

NEVER_ACCEPTED = {
    "POST /projects/{project_id}/branches",  # the emulator has one branch in each project
    "DELETE /projects/{project_id}/branches/{branch_id}",  # and that is the root
}


@pytest.fixture(scope="module")
def checked() -> Conformity:
    found = conformity()
    if found is None:
        pytest.skip("needs Neon's description: see NEON_OPENAPI")
    return found


@pytest.fixture(scope="module")
async def neon(checked: Conformity) -> AsyncIterator[RunningEmulator]:
    """With a role `ana` that owns a database `shop`."""
    fast = Behaviour(operation_seconds=0, start_compute_seconds=0)
    async with running_emulator(fast, middlewares=[checked.middleware()]) as running:
        await running.client.done(await running.client.create_role("ana"))
        await running.client.done(await running.client.create_database("shop", "ana"))
        yield running


@pytest.fixture(autouse=True)
def knobs_turned_back(neon: RunningEmulator) -> Any:
    before = neon.behaviour.model_dump()
    yield
    neon.emulator.faults.clear()
    for name, value in before.items():
        setattr(neon.behaviour, name, value)


@pytest.fixture(autouse=True)
def nothing_violated(checked: Conformity, knobs_turned_back: None) -> Any:
    """After every test."""
    yield
    violations, checked.violations = sorted(set(checked.violations)), []
    assert violations == []


async def test_on_every_route_with_success(neon: RunningEmulator, checked: Conformity) -> None:
    await read_everything(neon.client)
    await change_roles_and_databases(neon.client)
    await change_a_project(neon.client)
    await change_the_compute(neon.client)

    accepted = {title[:-4] for title in checked.seen if title.endswith(("200", "201"))}
    assert _routes(neon) - accepted == NEVER_ACCEPTED


async def test_when_there_is_nothing_to_delete(neon: RunningEmulator) -> None:
    role = await neon.client.delete_role("nobody")
    database = await neon.client.delete_database("nothing")

    assert (role.status, database.status) == (204, 204)


async def test_about_a_role_that_cannot_log_in(neon: RunningEmulator) -> None:
    created = await neon.client.done(await neon.client.create_role("group", no_login=True))
    await neon.client.done(await neon.client.delete_role("group"))

    assert created.status == 201


async def test_about_what_sql_has_made(neon: RunningEmulator) -> None:
    async with neon.session() as session:
        await session.execute("CREATE ROLE made_by_sql")
        listed = await neon.client.names("roles")
        await session.execute("DROP ROLE made_by_sql")

    assert "made_by_sql" in listed


async def test_about_names_that_no_path_likes(neon: RunningEmulator) -> None:
    name = "a/b?c#d %é"
    await neon.client.done(await neon.client.create_role(name))
    shown = await neon.client.call("GET", neon.client.role(name))
    await neon.client.done(await neon.client.delete_role(name))

    assert shown.body["role"]["name"] == name


async def test_while_computes_sleep(neon: RunningEmulator) -> None:
    neon.behaviour.idle = True

    reset = await neon.client.done(await neon.client.reset_password("ana"))
    listed = await neon.client.call("GET", f"{neon.client.project}/endpoints")

    assert len(reset.body["operations"]) == 2
    assert listed.body["endpoints"][0]["current_state"] == "idle"


async def test_while_a_project_is_new(neon: RunningEmulator) -> None:
    neon.behaviour.start_compute_seconds = 60

    created = await neon.client.create_project()
    path = f"/projects/{created.body['project']['id']}"
    for part in ("", "/branches", "/endpoints", "/operations"):
        assert (await neon.client.call("GET", path + part)).status == 200
    await neon.client.call("DELETE", path)


async def test_page_by_page(neon: RunningEmulator) -> None:
    neon.behaviour.page_size = 1
    for path in ("/projects", f"{neon.client.project}/operations"):
        first = await neon.client.call("GET", path)
        cursor = first.body["pagination"]["cursor"]
        assert (await neon.client.call("GET", path, cursor=cursor)).status == 200


async def test_on_the_last_page_of_branches(neon: RunningEmulator) -> None:
    path = f"{neon.client.project}/branches"
    only = await neon.client.call("GET", path)
    after = await neon.client.call("GET", path, cursor=only.body["pagination"]["next"])

    assert after.body["branches"] == []


@pytest.mark.parametrize(
    "how", [How.FAILING_OPERATION, How.RECOVERING_OPERATION, How.UNKNOWN_STATUS]
)
async def test_about_operations_that_fail(neon: RunningEmulator, how: How) -> None:
    neon.fault("reset_password", how, seconds=0.2)

    begun = await neon.client.reset_password("ana")
    await neon.client.ended(begun)

    assert begun.status == 200


@dataclass(frozen=True)
class Refusal:
    """A call that cannot be answered with success, and why not."""

    status: int
    method: str
    path: str
    body: Any = None
    knobs: dict[str, Any] = field(default_factory=dict)
    fault: Fault | None = None
    headers: dict[str, str] = field(default_factory=dict)


def _faulty(how: How, status: int) -> Refusal:
    return Refusal(status, "GET", "{branch}/roles", fault=Fault(which="list_roles", how=how))


def _new_role(status: int, name: str, **knobs: Any) -> Refusal:
    return Refusal(status, "POST", "{branch}/roles", {"role": {"name": name}}, knobs)


REFUSALS: Sequence[Refusal] = (
    Refusal(400, "POST", "{branch}/roles", {"role": {}}),
    _new_role(400, "pg_reserved"),
    Refusal(400, "GET", "/projects?limit=0"),
    Refusal(401, "GET", "/projects", headers={"Authorization": "Bearer another"}),
    Refusal(401, "GET", "/nowhere", headers={"Authorization": ""}),
    Refusal(403, "GET", "/projects/another-1", knobs={"foreign_status": 403}),
    Refusal(404, "GET", "/projects/another-1"),
    Refusal(404, "GET", "{branch}/roles/nobody"),
    Refusal(404, "GET", "{branch}/databases/nothing"),
    Refusal(404, "GET", "{project}/operations/6f9b0d1e-6a3c-4f8e-9d2b-0a1b2c3d4e5f"),
    Refusal(404, "GET", "/nowhere"),
    Refusal(405, "PUT", "/projects"),
    _new_role(409, "ana"),
    _new_role(412, "bob", read_write_compute=False),
    Refusal(412, "GET", "{branch}/roles/ana/reveal_password", knobs={"store_passwords": False}),
    _new_role(422, "bob", roles_limit=1),
    Refusal(422, "POST", "{branch}/databases", {"database": {"name": "x", "owner_name": "bob"}}),
    Refusal(422, "POST", "/projects", {"project": {}}, {"projects_limit": 1}),
    Refusal(422, "DELETE", "{branch}/roles/ana"),
    Refusal(422, "DELETE", "{branch}"),
    Refusal(501, "POST", "{project}/branches", {}),
    _faulty(How.LOCKED, 423),
    _faulty(How.LIMITED, 429),
    _faulty(How.LIMITED_RETRY_AFTER, 429),
    _faulty(How.UNAVAILABLE, 503),
    _faulty(How.FAILED_AFTER, 500),
)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda it: f"{it.status}-{it.method}-{it.path}")
async def test_when_it_refuses(neon: RunningEmulator, refusal: Refusal) -> None:
    for name, value in refusal.knobs.items():
        setattr(neon.behaviour, name, value)
    if refusal.fault:
        neon.emulator.faults.add(refusal.fault)

    path = refusal.path.format(project=neon.client.project, branch=neon.client.branch)
    answer = await neon.client.call(
        refusal.method, path, refusal.body, headers=refusal.headers or None
    )

    assert answer.status == refusal.status


def _routes(neon: RunningEmulator) -> set[str]:
    routes = neon.emulator.app.router.routes()
    named = {f"{each.method} {each.resource.canonical}" for each in routes if each.resource}
    return {name.replace(API, "", 1) for name in named if API in name}
