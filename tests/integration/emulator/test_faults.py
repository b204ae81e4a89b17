"""Faults: each befalls the call that it was asked for, and leaves what it says it leaves."""

import asyncio

import aiohttp
import pytest

from entrypoints.neon_emulator.faults import AFTER, BEFORE, How
from tests.support.neon.emulator import RunningEmulator, fresh, turned

REFUSALS = {
    How.UNAVAILABLE: 503,
    How.LIMITED: 429,
    How.LIMITED_RETRY_AFTER: 429,
    How.LOCKED: 423,
}
SILENCE = {How.RESET_BEFORE, How.HANG_BEFORE, How.LOST_AFTER, How.HANG}


@pytest.mark.parametrize("how", sorted(BEFORE))
async def test_a_fault_before_leaves_nothing(neon: RunningEmulator, how: How) -> None:
    name = fresh("role")
    async with turned(neon):
        neon.fault("create_role", how)
        status = await asked(neon, name)

    census = await neon.census()
    assert status == REFUSALS.get(how)
    assert name not in census.listed_roles | census.real_roles


@pytest.mark.parametrize("how", sorted(AFTER))
async def test_a_fault_after_leaves_all(neon: RunningEmulator, how: How) -> None:
    name = fresh("role")
    async with turned(neon):
        neon.fault("create_role", how)
        status = await asked(neon, name)

    census = await neon.census()
    assert status == {How.FAILED_AFTER: 500, How.GATEWAY_HTML: 524}.get(how)
    assert name in census.listed_roles & census.real_roles


async def test_a_gateways_answer_is_no_json(neon: RunningEmulator) -> None:
    async with turned(neon):
        neon.fault("list_roles", How.GATEWAY_HTML)
        answer = await neon.client.call("GET", f"{neon.client.branch}/roles")

    assert answer.headers["Content-Type"].startswith("text/html")


async def test_a_limited_call_is_told_when_to_come_again(neon: RunningEmulator) -> None:
    async with turned(neon):
        neon.fault("list_roles", How.LIMITED_RETRY_AFTER, seconds=3)
        neon.fault("list_databases", How.LIMITED)
        told = await neon.client.call("GET", f"{neon.client.branch}/roles")
        untold = await neon.client.call("GET", f"{neon.client.branch}/databases")

    assert told.headers["Retry-After"] == "3"
    assert "Retry-After" not in untold.headers


async def test_a_fault_happens_as_often_as_it_is_to(neon: RunningEmulator) -> None:
    async with turned(neon):
        neon.fault("get_project", How.LOCKED, times=2)
        answers = [await neon.client.call("GET", neon.client.project) for _ in range(3)]

    assert [answer.status for answer in answers] == [423, 423, 200]


async def test_a_fault_may_last_for_ever(neon: RunningEmulator) -> None:
    async with turned(neon):
        neon.fault("get_project", How.UNAVAILABLE, times=None)
        answers = [await neon.client.call("GET", neon.client.project) for _ in range(20)]

    assert {answer.status for answer in answers} == {503}


async def test_a_fault_befalls_no_other_call(neon: RunningEmulator) -> None:
    async with turned(neon):
        neon.fault("create_role", How.UNAVAILABLE)

        assert (await neon.client.call("GET", neon.client.project)).status == 200


async def test_a_fault_after_waits_for_a_call_that_succeeds(neon: RunningEmulator) -> None:
    async with turned(neon):
        neon.fault("create_role", How.FAILED_AFTER)
        refused = await neon.client.create_role("neondb_owner")
        broken = await neon.client.create_role(fresh("role"))

    assert (refused.status, broken.status) == (409, 500)


async def asked(neon: RunningEmulator, name: str) -> int | None:
    """The status of creating this role; None where no whole answer comes."""
    try:
        async with asyncio.timeout(3):
            return (await neon.client.create_role(name)).status
    except (aiohttp.ClientError, ValueError, TimeoutError):
        return None
