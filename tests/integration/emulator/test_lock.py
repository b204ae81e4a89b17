"""The project's lock, sleeping computes, and what comes late."""

import asyncio
from collections import Counter

import asyncpg
import pytest

from entrypoints.neon_emulator.behaviour import Behaviour
from tests.support.clock import FakeClock
from tests.support.neon.emulator import RunningEmulator, fresh, running_emulator, turned
from tests.support.polling import until

OWNER = "neondb_owner"
LOCKED = "project already has running conflicting operations, scheduling of new ones is prohibited"


async def test_of_two_changes_at_once_one_is_refused(neon: RunningEmulator) -> None:
    async with turned(neon, operation_seconds=0.3):
        first, second = await asyncio.gather(
            neon.client.create_role(fresh("role")), neon.client.create_role(fresh("role"))
        )

    assert {first.status, second.status} == {201, 423}


@pytest.mark.parametrize(
    "change",
    [
        ("POST", "/roles", {"role": {"name": "late"}}),
        ("DELETE", f"/roles/{OWNER}", None),
        ("POST", f"/roles/{OWNER}/reset_password", None),
        ("POST", "/databases", {"database": {"name": "late", "owner_name": OWNER}}),
        ("PATCH", "/databases/neondb", {"database": {"name": "late"}}),
        ("DELETE", "/databases/neondb", None),
    ],
    ids=lambda change: f"{change[0]} {change[1]}",
)
async def test_a_locked_project_is_not_changed(
    neon: RunningEmulator, change: tuple[str, str, object]
) -> None:
    method, path, body = change
    async with turned(neon, locked_code="BUSY"):
        neon.emulator.first.operations.hold(None)
        answer = await neon.client.call(method, neon.client.branch + path, body)

    assert (answer.status, answer.body["code"], answer.body["message"]) == (423, "BUSY", LOCKED)


async def test_a_locked_project_is_read_and_renamed(neon: RunningEmulator) -> None:
    async with turned(neon):
        neon.emulator.first.operations.hold(None)
        census = await neon.census()
        renamed = await neon.client.call(
            "PATCH", neon.client.project, {"project": {"name": "renamed"}}
        )

    assert OWNER in census.listed_roles
    assert (renamed.status, renamed.body["operations"]) == (200, [])


async def test_a_project_is_deleted_while_its_operations_run(neon: RunningEmulator) -> None:
    async with turned(neon, operation_seconds=60):
        created = await neon.client.create_project()
        path = f"/projects/{created.body['project']['id']}"

        deleted = await neon.client.call("DELETE", path)

        assert deleted.status == 200
        assert (await neon.client.call("GET", path)).status == 404


async def test_what_is_not_there_is_deleted_in_a_locked_project_too(neon: RunningEmulator) -> None:
    async with turned(neon):
        neon.emulator.first.operations.hold(None)

        assert (await neon.client.delete_role(fresh("role"))).status == 204


async def test_some_changes_pass_although_another_runs(neon: RunningEmulator) -> None:
    async with turned(neon, operation_seconds=0.5, pass_while_locked=2):
        names = [fresh("role") for _ in range(10)]
        answers = await asyncio.gather(*map(neon.client.create_role, names))

    assert Counter(answer.status for answer in answers) == {201: 3, 423: 7}
    assert len(set(names) & (await neon.census()).real_roles) == 3


async def test_what_was_begun_first_is_done_first(neon: RunningEmulator) -> None:
    name = fresh("role")
    async with turned(neon, operation_seconds=0.3, pass_while_locked=1):
        created = await neon.client.create_role(name)
        neon.behaviour.operation_seconds = 0
        await neon.client.done(await neon.client.delete_role(name))
        await neon.client.done(created)

    assert name not in (await neon.census()).real_roles


async def test_an_owner_whose_operation_still_runs_is_none(neon: RunningEmulator) -> None:
    name = fresh("role")
    async with turned(neon, operation_seconds=0.3, pass_while_locked=1):
        await neon.client.create_role(name)
        answer = await neon.client.create_database(fresh("db"), name)

    assert answer.status == 422


async def test_a_sleeping_compute_is_woken_and_sleeps_again(neon: RunningEmulator) -> None:
    async with turned(neon, idle=True):
        before = await state(neon)
        answer = await neon.client.create_database(fresh("db"), OWNER)
        meanwhile = await state(neon)
        await neon.client.done(answer)

        assert (before, meanwhile, await state(neon)) == ("idle", "active", "idle")
    operations = [(each["action"], each["status"]) for each in answer.body["operations"]]
    assert operations == [("apply_config", "running"), ("suspend_compute", "scheduling")]


async def test_a_compute_that_is_suspended_ends_all_sessions(neon: RunningEmulator) -> None:
    endpoint = f"{neon.client.project}/endpoints/{neon.emulator.first.endpoint.id}"
    async with neon.session() as guest:
        await neon.client.done(await neon.client.call("POST", f"{endpoint}/suspend"))

        assert await state(neon) == "idle"
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await guest.execute("SELECT 1")
    await neon.client.done(await neon.client.call("POST", f"{endpoint}/start"))
    assert await state(neon) == "active"


async def test_a_suspended_compute_is_woken_by_a_connection(neon: RunningEmulator) -> None:
    endpoint = f"{neon.client.project}/endpoints/{neon.emulator.first.endpoint.id}"
    await neon.client.done(await neon.client.call("POST", f"{endpoint}/suspend"))

    async with neon.session():
        assert await state(neon) == "active"


async def test_what_comes_late_is_real_after_its_operation(neon: RunningEmulator) -> None:
    role, database = fresh("role"), fresh("db")
    async with turned(neon, late_seconds=0.3):
        await neon.client.done(await neon.client.create_role(role))
        early = await neon.census()
        await neon.client.done(await neon.client.create_database(database, role))

    async def is_real() -> bool:
        return database in (await neon.census()).real_databases

    assert (role in early.listed_roles, role in early.real_roles) == (True, False)
    await until(is_real)


async def test_an_operation_tells_how_long_it_took(neon: RunningEmulator) -> None:
    async with turned(neon, operation_seconds=0.2):
        answer = await neon.client.create_role(fresh("role"))
        (operation,) = await neon.client.ended(answer)

    assert operation["total_duration_ms"] >= 200


async def test_on_a_clock_that_does_not_wait_operations_end_at_once() -> None:
    hours = Behaviour(operation_seconds=3600, start_compute_seconds=3600)
    async with running_emulator(hours, clock=FakeClock()) as neon:
        (operation,) = await neon.client.ended(await neon.client.create_role("late"))

    assert operation["total_duration_ms"] == 3_600_000


async def test_without_a_compute_nothing_can_be_changed(neon: RunningEmulator) -> None:
    async with turned(neon, read_write_compute=False):
        answer = await neon.client.create_role(fresh("role"))
        endpoints = await neon.client.call("GET", f"{neon.client.branch}/endpoints")

    assert answer.status == 412
    assert answer.body["message"] == "create a read-write endpoint to manage roles on this branch"
    assert endpoints.body["endpoints"] == []


async def state(neon: RunningEmulator) -> str:
    path = f"{neon.client.project}/endpoints/{neon.emulator.first.endpoint.id}"
    return str((await neon.client.call("GET", path)).body["endpoint"]["current_state"])
