"""Faults: each applies to its route and has the documented effect."""

import asyncio
from typing import Any

import aiohttp
import pytest

from entrypoints.neon_emulator.state.faults import AFTER, BEFORE, How
from tests.support.neon.client import Answer
from tests.support.neon.emulator import RunningEmulator, create_object, new_name, override_behaviour

EACH = pytest.mark.parametrize("kind", ["role", "database"])

STATUSES = {
    How.UNAVAILABLE: 503,
    How.LIMITED: 429,
    How.LIMITED_RETRY_AFTER: 429,
    How.LOCKED: 423,
    How.FAILED_AFTER: 500,
    How.GATEWAY_HTML: 524,
}
"""The statuses of the faults with a complete response."""

CUT = {How.RESET_BEFORE, How.LOST_AFTER, How.GARBAGE}
SILENT = {How.HANG_BEFORE, How.HANG}


@pytest.mark.parametrize("how", sorted(BEFORE | AFTER))
async def test_a_fault_before_changes_nothing_and_one_after_everything(
    neon: RunningEmulator, how: How
) -> None:
    name = new_name("role")
    async with override_behaviour(neon):
        neon.add_fault("create_role", how, seconds=3)
        answer = await _send(neon, how, name)

    snapshot = await neon.snapshot()
    if answer is None:
        assert how in CUT | SILENT
    else:
        html, pause = answer.headers["Content-Type"], answer.headers.get("Retry-After")
        assert answer.status == STATUSES[how]
        assert html.startswith("text/html") is (how is How.GATEWAY_HTML)
        assert pause == ("3" if how is How.LIMITED_RETRY_AFTER else None)
    assert (snapshot.lists(name), snapshot.has(name)) == (how in AFTER, how in AFTER)


@pytest.mark.parametrize(
    ("times", "statuses"),
    [(2, [423, 423, 200, 200]), (None, [423] * 20)],
    ids=["a number of times", "always"],
)
async def test_a_fault_applies_to_its_route_only(
    neon: RunningEmulator, times: int | None, statuses: list[int]
) -> None:
    async with override_behaviour(neon):
        neon.add_fault("get_project", How.LOCKED, times=times)
        other = await neon.client.call("GET", neon.client.branch)
        answers = [await neon.client.call("GET", neon.client.project) for _ in statuses]

    assert other.status == 200
    assert [answer.status for answer in answers] == statuses


async def test_a_fault_after_applies_to_a_successful_call(neon: RunningEmulator) -> None:
    async with override_behaviour(neon):
        neon.add_fault("create_role", How.FAILED_AFTER)
        refused = await neon.client.create_role("neondb_owner")
        broken = await neon.client.create_role(new_name("role"))

    assert (refused.status, broken.status) == (409, 500)


@EACH
@pytest.mark.parametrize("listed", [True, False], ids=["listed", "not listed"])
async def test_a_failed_creation_leaves_no_object(
    neon: RunningEmulator, kind: str, listed: bool
) -> None:
    name = new_name("failed")
    async with override_behaviour(neon, failed_stay_listed=listed):
        operation = await _run_failing(neon, f"create_{kind}", neon.client.create(kind, name))
        snapshot = await neon.snapshot()
        if listed:
            await neon.client.wait_until_done(await neon.client.delete(kind, name))

    assert (operation["status"], operation["failures_count"]) == ("error", 1)
    assert operation["error"]
    assert (snapshot.lists(name), snapshot.has(name)) == (listed, False)
    assert not (await neon.snapshot()).lists(name)


async def test_the_next_operation_creates_what_a_failed_one_did_not(neon: RunningEmulator) -> None:
    name = new_name("role")
    async with override_behaviour(neon):
        await _run_failing(neon, "create_role", neon.client.create_role(name))
    await neon.client.wait_until_done(await neon.client.reset_password(name))

    async with neon.session(name) as session:
        assert await session.fetchval("SELECT current_user") == name


@EACH
async def test_a_failed_deletion_keeps_the_object(neon: RunningEmulator, kind: str) -> None:
    name = await create_object(neon, kind)
    async with override_behaviour(neon):
        await _run_failing(neon, f"delete_{kind}", neon.client.delete(kind, name))

    snapshot = await neon.snapshot()
    assert (snapshot.lists(name), snapshot.has(name)) == (True, True)


@pytest.mark.parametrize(
    ("how", "status", "failures"),
    [(How.RECOVERING_OPERATION, "failed", 1), (How.UNKNOWN_STATUS, "reticulating", 0)],
)
async def test_a_delayed_operation_finishes(
    neon: RunningEmulator, how: How, status: str, failures: int
) -> None:
    name = new_name("role")
    async with override_behaviour(neon):
        neon.add_fault("create_role", how, seconds=0.3)
        answer = await neon.client.create_role(name)
        path = f"{neon.client.project}/operations/{answer.body['operations'][0]['id']}"
        early = (await neon.client.call("GET", path)).body["operation"]
        (operation,) = await neon.client.wait_until_ended(answer)

    assert (early["status"], "retry_at" in early) == (status, bool(failures))
    assert (operation["status"], operation["failures_count"]) == ("finished", failures)
    assert (await neon.snapshot()).has(name)


@EACH
async def test_a_stale_read_does_not_find_a_new_object(neon: RunningEmulator, kind: str) -> None:
    async with override_behaviour(neon):
        neon.add_fault(f"create_{kind}", How.STALE_404, reads=2)
        name = await create_object(neon, kind)
    path = neon.client.path(kind, name)

    first = await neon.client.call("GET", path)
    listed = await neon.client.names(f"{kind}s")
    third = await neon.client.call("GET", path)

    assert (first.status, name in listed, third.status) == (404, False, 200)


async def test_a_stale_read_does_not_find_a_new_project(neon: RunningEmulator) -> None:
    async with override_behaviour(neon):
        neon.add_fault("create_project", How.STALE_404, reads=1)
        created = await neon.client.create_project()
    path = f"/projects/{created.body['project']['id']}"

    answers = [await neon.client.call(method, path) for method in ("GET", "GET", "DELETE")]

    assert [answer.status for answer in answers] == [404, 200, 200]


async def test_a_project_whose_creation_fails_has_no_server(neon: RunningEmulator) -> None:
    async with override_behaviour(neon):
        neon.add_fault("create_project", How.FAILING_OPERATION)
        created = await neon.client.create_project()
        statuses = [each["status"] for each in await neon.client.wait_until_ended(created)]
    project = neon.emulator.projects[created.body["project"]["id"]]

    assert statuses == ["error", "cancelled"]
    assert not project.compute.is_running
    await neon.client.call("DELETE", f"/projects/{project.id}")


async def _send(neon: RunningEmulator, how: How, name: str) -> Answer | None:
    """Create a role. Return the response, or None if it is not complete."""
    try:
        async with asyncio.timeout(1 if how in SILENT else 30):
            return await neon.client.create_role(name)
    except (aiohttp.ClientError, ValueError, TimeoutError):
        return None


async def _run_failing(neon: RunningEmulator, route: str, call: Any) -> Any:
    """Let the call's operation fail. Return the operation."""
    neon.add_fault(route, How.FAILING_OPERATION)
    answer: Answer = await call
    (operation,) = await neon.client.wait_until_ended(answer)
    return operation
