"""The project's lock, suspended computes, and late changes."""

import asyncio
from collections import Counter

import pytest

from tests.support.neon.client import OWNER
from tests.support.neon.emulator import (
    RunningEmulator,
    create_object,
    is_alive,
    new_name,
    override_behaviour,
)
from tests.support.polling import wait_until

LOCKED = "project already has running conflicting operations, scheduling of new ones is prohibited"

CHANGES = [
    ("POST", "/roles", {"role": {"name": "late"}}),
    ("DELETE", f"/roles/{OWNER}", None),
    ("POST", f"/roles/{OWNER}/reset_password", None),
    ("POST", "/databases", {"database": {"name": "late", "owner_name": OWNER}}),
    ("PATCH", "/databases/neondb", {"database": {"name": "late"}}),
    ("DELETE", "/databases/neondb", None),
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: f"{change[0]} {change[1]}")
async def test_a_locked_project_refuses_changes(
    neon: RunningEmulator, change: tuple[str, str, object]
) -> None:
    method, path, body = change
    async with override_behaviour(neon, locked_code="BUSY"):
        neon.emulator.first.operations.lock(None)
        answer = await neon.client.call(method, neon.client.branch + path, body)

    assert (answer.status, answer.body["code"], answer.body["message"]) == (423, "BUSY", LOCKED)


async def test_a_locked_project_can_be_read_and_renamed(neon: RunningEmulator) -> None:
    async with override_behaviour(neon):
        neon.emulator.first.operations.lock(None)
        snapshot = await neon.snapshot()
        change = {"project": {"name": "renamed"}}
        renamed = await neon.client.call("PATCH", neon.client.project, change)

    assert snapshot.lists(OWNER)
    assert (renamed.status, renamed.body["operations"]) == (200, [])


async def test_a_project_can_be_deleted_while_its_operations_run(neon: RunningEmulator) -> None:
    async with override_behaviour(neon, operation_seconds=60):
        created = await neon.client.create_project()
        path = f"/projects/{created.body['project']['id']}"
        answers = [await neon.client.call(method, path) for method in ("DELETE", "GET")]

    assert [answer.status for answer in answers] == [200, 404]


@pytest.mark.parametrize("overlapping", [0, 2])
async def test_concurrent_changes_are_limited_by_the_lock(
    neon: RunningEmulator, overlapping: int
) -> None:
    names = [new_name("role") for _ in range(10)]
    async with override_behaviour(neon, operation_seconds=0.5, pass_while_locked=overlapping):
        answers = await asyncio.gather(*map(neon.client.create_role, names))

    assert Counter(answer.status for answer in answers) == {
        201: 1 + overlapping,
        423: 9 - overlapping,
    }
    assert len(set(names) & (await neon.snapshot()).real_roles) == 1 + overlapping


async def test_changes_are_made_in_the_order_of_their_start(neon: RunningEmulator) -> None:
    name = new_name("role")
    async with override_behaviour(neon, operation_seconds=0.3, pass_while_locked=1):
        created = await neon.client.create_role(name)
        neon.behaviour.operation_seconds = 0
        await neon.client.wait_until_done(await neon.client.delete_role(name))
        (operation,) = await neon.client.wait_until_ended(created)

    assert not (await neon.snapshot()).has(name)
    assert operation["total_duration_ms"] >= 300


async def test_a_role_cannot_own_before_its_operation_ends(neon: RunningEmulator) -> None:
    name = new_name("role")
    async with override_behaviour(neon, operation_seconds=0.3, pass_while_locked=1):
        await neon.client.create_role(name)
        answer = await neon.client.create_database(new_name("db"), name)

    assert answer.status == 422


async def test_a_change_starts_an_idle_compute_and_suspends_it(neon: RunningEmulator) -> None:
    async with override_behaviour(neon, idle=True):
        before = await _get_state(neon)
        answer = await neon.client.create("database", new_name("db"))
        meanwhile = await _get_state(neon)
        await neon.client.wait_until_done(answer)

        assert (before, meanwhile, await _get_state(neon)) == ("idle", "active", "idle")
    operations = [(each["action"], each["status"]) for each in answer.body["operations"]]
    assert operations == [("apply_config", "running"), ("suspend_compute", "scheduling")]


async def test_suspending_a_compute_ends_all_sessions(neon: RunningEmulator) -> None:
    """The API or a connection starts it again."""
    endpoint = f"{neon.client.project}/endpoints/{neon.emulator.first.endpoint.id}"
    async with neon.session() as session:
        await neon.client.wait_until_done(await neon.client.call("POST", f"{endpoint}/suspend"))
        assert await _get_state(neon) == "idle"
        assert not await is_alive(session)
    await neon.client.wait_until_done(await neon.client.call("POST", f"{endpoint}/start"))
    assert await _get_state(neon) == "active"

    await neon.client.wait_until_done(await neon.client.call("POST", f"{endpoint}/suspend"))
    async with neon.session():
        assert await _get_state(neon) == "active"


async def test_late_changes_take_effect_after_their_operation(neon: RunningEmulator) -> None:
    database = new_name("db")
    async with override_behaviour(neon, late_seconds=0.3):
        role = await create_object(neon, "role")
        early = await neon.snapshot()
        await neon.client.wait_until_done(await neon.client.create_database(database, role))

    async def is_real() -> bool:
        return (await neon.snapshot()).has(database)

    assert (early.lists(role), early.has(role)) == (True, False)
    await wait_until(is_real)


async def test_without_a_compute_there_are_no_endpoints(neon: RunningEmulator) -> None:
    async with override_behaviour(neon, read_write_compute=False):
        endpoints = await neon.client.call("GET", f"{neon.client.branch}/endpoints")

    assert endpoints.body["endpoints"] == []


async def _get_state(neon: RunningEmulator) -> str:
    path = f"{neon.client.project}/endpoints/{neon.emulator.first.endpoint.id}"
    return str((await neon.client.call("GET", path)).body["endpoint"]["current_state"])
