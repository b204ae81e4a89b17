"""Faults of operations, and of what they make."""

from typing import Any

import pytest

from entrypoints.neon_emulator.faults import How
from tests.support.neon.client import Answer
from tests.support.neon.emulator import RunningEmulator, fresh, turned

KINDS = ("role", "database")


async def test_a_failing_operation_makes_nothing_and_its_role_stays_listed(
    neon: RunningEmulator,
) -> None:
    name = fresh("role")
    async with turned(neon):
        neon.fault("create_role", How.FAILING_OPERATION)
        (operation,) = await neon.client.ended(await neon.client.create_role(name))

    census = await neon.census()
    assert (operation["status"], operation["failures_count"]) == ("error", 1)
    assert operation["error"]
    assert (name in census.listed_roles, name in census.real_roles) == (True, False)
    await neon.client.done(await neon.client.delete_role(name))
    assert name not in await neon.client.names("roles")


@pytest.mark.parametrize("kind", KINDS)
async def test_or_it_does_not_stay_listed(neon: RunningEmulator, kind: str) -> None:
    name = fresh("unmade")
    async with turned(neon, unmade_stay_listed=False):
        neon.fault(f"create_{kind}", How.FAILING_OPERATION)
        await neon.client.ended(await created(neon, kind, name))

        assert name not in await neon.client.names(f"{kind}s")


async def test_what_an_operation_left_out_the_next_one_makes(neon: RunningEmulator) -> None:
    name = fresh("role")
    async with turned(neon):
        neon.fault("create_role", How.FAILING_OPERATION)
        await neon.client.ended(await neon.client.create_role(name))
    await neon.client.done(await neon.client.reset_password(name))

    async with neon.session(name) as session:
        assert await session.fetchval("SELECT current_user") == name


@pytest.mark.parametrize("kind", KINDS)
async def test_a_deletion_that_fails_leaves_what_it_was_to_delete(
    neon: RunningEmulator, kind: str
) -> None:
    name = fresh("kept")
    await neon.client.done(await created(neon, kind, name))
    async with turned(neon):
        neon.fault(f"delete_{kind}", How.FAILING_OPERATION)
        await neon.client.ended(await getattr(neon.client, f"delete_{kind}")(name))

    census = await neon.census()
    assert name in census.listed_databases | census.listed_roles
    assert name in census.real_databases | census.real_roles


async def test_an_operation_recovers(neon: RunningEmulator) -> None:
    name = fresh("role")
    async with turned(neon):
        neon.fault("create_role", How.RECOVERING_OPERATION, seconds=0.3)
        answer = await neon.client.create_role(name)
        early = await operation_of(neon, answer.body)
        (operation,) = await neon.client.ended(answer)

    assert early["status"] == "failed"
    assert "retry_at" in early
    assert (operation["status"], operation["failures_count"]) == ("finished", 1)
    assert name in (await neon.census()).real_roles


async def test_an_operation_has_a_status_that_nobody_knows(neon: RunningEmulator) -> None:
    async with turned(neon):
        neon.fault("create_role", How.UNKNOWN_STATUS, seconds=0.3)
        answer = await neon.client.create_role(fresh("role"))
        early = await operation_of(neon, answer.body)
        (operation,) = await neon.client.ended(answer)

    assert early["status"] == "reticulating"
    assert operation["status"] == "finished"


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_new_is_not_found_at_first(neon: RunningEmulator, kind: str) -> None:
    name = fresh("new")
    async with turned(neon):
        neon.fault(f"create_{kind}", How.STALE_404, reads=2)
        await neon.client.done(await created(neon, kind, name))
    path = getattr(neon.client, kind)(name)

    first = await neon.client.call("GET", path)
    listed = await neon.client.names(f"{kind}s")
    third = await neon.client.call("GET", path)

    assert (first.status, name in listed, third.status) == (404, False, 200)


async def test_a_new_project_is_not_found_at_first(neon: RunningEmulator) -> None:
    async with turned(neon):
        neon.fault("create_project", How.STALE_404, reads=1)
        made = await neon.client.create_project()
    path = f"/projects/{made.body['project']['id']}"

    answers = [await neon.client.call("GET", path) for _ in range(2)]
    await neon.client.call("DELETE", path)

    assert [answer.status for answer in answers] == [404, 200]


async def test_a_project_whose_operation_fails_has_no_server(neon: RunningEmulator) -> None:
    async with turned(neon):
        neon.fault("create_project", How.FAILING_OPERATION)
        made = await neon.client.create_project()
        statuses = [each["status"] for each in await neon.client.ended(made)]
    project = neon.emulator.projects[made.body["project"]["id"]]

    assert statuses == ["error", "cancelled"]
    assert not project.compute.is_running
    await neon.client.call("DELETE", f"/projects/{project.id}")


async def created(neon: RunningEmulator, kind: str, name: str) -> Answer:
    if kind == "role":
        return await neon.client.create_role(name)
    return await neon.client.create_database(name, "neondb_owner")


async def operation_of(neon: RunningEmulator, body: Any) -> Any:
    path = f"{neon.client.project}/operations/{body['operations'][0]['id']}"
    return (await neon.client.call("GET", path)).body["operation"]
