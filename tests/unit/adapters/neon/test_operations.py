"""Waiting for operations: until their end, and with few requests."""

from typing import Any

import pytest

from adapters.neon.operations import Pace
from adapters.neon.wire import Operation
from tests.unit.adapters.neon.conftest import PROJECT, Wire, operation

OPERATION = f"{PROJECT}/operations/op-1"

FEW = {0.05: 2, 0.3: 7, 1.0: 9, 5.0: 12}
"""The most requests for the first operation of so many seconds."""

VERY_FEW = 2
"""The most for later ones that take as long."""


@pytest.mark.parametrize(("seconds", "most"), FEW.items())
async def test_asks_seldom_even_while_it_does_not_know_how_long_it_takes(
    wire: Wire, seconds: float, most: int
) -> None:
    asked = await _waited(wire, Pace(), seconds)

    assert asked <= most


@pytest.mark.parametrize("seconds", FEW)
async def test_asks_hardly_more_than_once_when_it_knows(wire: Wire, seconds: float) -> None:
    pace = Pace()
    for _ in range(8):
        await _waited(wire, pace, seconds)

    assert await _waited(wire, pace, seconds) <= VERY_FEW


@pytest.mark.parametrize("seconds", FEW)
async def test_waits_little_longer_than_it_takes(wire: Wire, seconds: float) -> None:
    pace = Pace()
    for _ in range(8):
        await _waited(wire, pace, seconds)

    begin = wire.clock.elapsed()
    await _waited(wire, pace, seconds)

    assert seconds <= wire.clock.elapsed() - begin <= seconds * 1.1


async def test_learns_for_each_action_by_itself(wire: Wire) -> None:
    pace = Pace()
    await _waited(wire, pace, 5.0, action="create_timeline")
    begin = wire.clock.elapsed()

    await _waited(wire, pace, 0.05, action="apply_config")

    assert wire.clock.elapsed() - begin < 0.1


async def test_follows_when_work_takes_longer_than_it_used_to(wire: Wire) -> None:
    pace = Pace()
    await _waited(wire, pace, 0.3)
    for _ in range(8):
        await _waited(wire, pace, 3.0)

    assert await _waited(wire, pace, 3.0) <= VERY_FEW


async def test_work_that_takes_no_time_does_not_make_it_ask_without_a_pause(wire: Wire) -> None:
    pace = Pace()
    for _ in range(8):
        await _waited(wire, pace, 0.0)

    assert await _waited(wire, pace, 5.0) <= 15


@pytest.mark.parametrize("status", ["finished", "skipped"])
async def test_asks_nothing_when_it_is_done_already(wire: Wire, status: str) -> None:
    await wire.waiting().until_done([_running(status=status)])

    assert wire.asked() == []


async def test_nothing_to_wait_for_takes_no_time(wire: Wire) -> None:
    await wire.waiting().until_done([])

    assert wire.clock.slept == []


async def test_waits_for_every_operation(wire: Wire) -> None:
    _ends_after(wire, 0.05, "op-1")
    _ends_after(wire, 0.6, "op-2", action="suspend_compute")

    await wire.waiting().until_done([_running(), _running(id="op-2", action="suspend_compute")])

    assert wire.clock.elapsed() >= 0.6


async def test_waits_for_what_goes_on_in_the_project(wire: Wire) -> None:
    going_on = [operation(id="op-2", status="scheduling"), operation(id="op-1")]
    wire.on("GET", f"{PROJECT}/operations?limit=20", payload={"operations": going_on})
    _ends_after(wire, 0.3, "op-1")
    _ends_after(wire, 0.6, "op-2")

    await wire.waiting().until_settled()

    assert wire.clock.elapsed() >= 0.6


@pytest.mark.parametrize("status", ["finished", "skipped", "failed", "error", "cancelled"])
async def test_what_ended_before_is_not_waited_for(wire: Wire, status: str) -> None:
    ended = [operation(id="op-1", status=status)]
    wire.on("GET", f"{PROJECT}/operations?limit=20", payload={"operations": ended})

    await wire.waiting().until_settled()

    assert wire.clock.slept == []


async def test_what_one_action_is_for_tells_how_long_it_takes(wire: Wire) -> None:
    pace = Pace()
    for _ in range(4):
        await _waited(wire, pace, 0.3, work="make role")
        await _waited(wire, pace, 0.4, work="make database")

    assert await _waited(wire, pace, 0.3, work="make role") == 1
    assert await _waited(wire, pace, 0.4, work="make database") == 1


async def _waited(
    wire: Wire, pace: Pace, seconds: float, action: str = "apply_config", work: str = ""
) -> int:
    """How many requests it took to see an operation that takes so many seconds."""
    operation_id = f"op-{len(wire.asked())}"
    _ends_after(wire, seconds, operation_id, action)
    await wire.waiting(pace).until_done([_running(id=operation_id, action=action)], work)
    return wire.count("GET", f"{PROJECT}/operations/{operation_id}")


def _ends_after(
    wire: Wire, seconds: float, operation_id: str, action: str = "apply_config"
) -> None:
    begin = wire.clock.elapsed()

    def body() -> Any:
        is_done = wire.clock.elapsed() - begin >= seconds
        status, took = ("finished", seconds) if is_done else ("running", 0.0)
        more = {"id": operation_id, "action": action, "total_duration_ms": round(took * 1000)}
        return {"operation": operation(status, **more)}

    wire.always("GET", f"{PROJECT}/operations/{operation_id}", body)


def _running(**more: Any) -> Operation:
    return Operation.model_validate({**operation(), **more})
