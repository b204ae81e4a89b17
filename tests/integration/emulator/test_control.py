"""`/emulator`: control of the running emulator."""

from typing import Any

import aiohttp
import pytest

from tests.support.neon.client import Answer
from tests.support.neon.emulator import RunningEmulator, new_name, override_behaviour


async def test_settings_are_shown_and_changed(neon: RunningEmulator) -> None:
    async with override_behaviour(neon, idle=False):
        changed = await _control(neon, "PATCH", "behaviour", {"idle": True})
        shown = await _control(neon, "GET", "behaviour")
        is_idle = neon.behaviour.idle

    assert changed.body["idle"] is shown.body["idle"] is is_idle is True


@pytest.mark.parametrize("changes", [{"no_such": 1}, {"idle": True, "operation_seconds": -1}, []])
async def test_an_invalid_setting_changes_no_other(neon: RunningEmulator, changes: Any) -> None:
    answer = await _control(neon, "PATCH", "behaviour", changes)

    assert (answer.status, neon.behaviour.idle) == (400, False)


async def test_a_project_is_locked_until_unlocked_or_for_a_time(
    neon: RunningEmulator,
) -> None:
    async with override_behaviour(neon, pass_while_locked=0, operation_seconds=0):
        await _control(neon, "POST", "lock")
        locked = await neon.client.create_role(new_name("role"))
        await _control(neon, "DELETE", "lock")
        free = await neon.client.wait_until_done(await neon.client.create_role(new_name("role")))
        await _control(neon, "POST", "lock", {"project_id": neon.project_id, "seconds": 0})
        after_timeout = await neon.client.create_role(new_name("role"))
        missing = await _control(neon, "POST", "lock", {"project_id": "none"})

    assert [answer.status for answer in (locked, free, after_timeout, missing)] == [
        423,
        201,
        201,
        404,
    ]


async def test_faults_are_added_listed_and_removed(neon: RunningEmulator) -> None:
    fault = {"route": "get_project", "how": "unavailable", "times": None}
    async with override_behaviour(neon):
        added = await _control(neon, "POST", "faults", fault)
        failed = await neon.client.call("GET", neon.client.project)
        await _control(neon, "DELETE", "faults")
        remaining = await _control(neon, "GET", "faults")

    assert added.body["faults"][0]["route"] == "get_project"
    assert failed.status == 503
    assert remaining.body == {"faults": []}


@pytest.mark.parametrize(
    "fault", [{"route": "no_route", "how": "hang"}, {"route": "get_project", "how": "no_way"}, {}]
)
async def test_an_invalid_fault_is_refused(neon: RunningEmulator, fault: Any) -> None:
    assert (await _control(neon, "POST", "faults", fault)).status == 400


async def test_api_requests_are_listed_in_order(neon: RunningEmulator) -> None:
    async with override_behaviour(neon):
        neon.add_fault("create_role", "reset_before")
        with pytest.raises(aiohttp.ClientError):  # aiohttp would repeat a GET
            await neon.client.create_role(new_name("role"))
    await neon.client.call("GET", "/a%2Fb")

    listed = (await _control(neon, "GET", "requests")).body["requests"]

    assert [(each["method"], each["path"], each["status"]) for each in listed[-2:]] == [
        ("POST", f"/api/v2{neon.client.branch}/roles", 0),
        ("GET", "/api/v2/a%2Fb", 404),
    ]


async def test_the_settings_require_the_key(neon: RunningEmulator) -> None:
    answer = await _control(neon, "GET", "behaviour", headers={"Authorization": "Bearer other"})

    assert answer.status == 401


async def _control(
    neon: RunningEmulator, method: str, what: str, body: Any = None, **more: Any
) -> Answer:
    return await neon.client.call(method, f"/../../emulator/{what}", body, **more)
