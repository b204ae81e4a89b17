"""The queue with cancelled calls, waiting or running: no call is lost or runs out of turn."""

import asyncio
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.errors import ProviderBusy
from domain.provisioning import ProvisionRequest
from tests.support.doubles import PATIENCE
from tests.support.provision_requests import new_provision_request
from tests.support.queueing import HoldingProvider, queued, run_until_idle

WAITING = 4
PLACES = range(1, WAITING + 1)

every_place = pytest.mark.parametrize("place", PLACES)

CALL, CANCEL, LEAVE, STEP, SETTLE = "call", "cancel", "leave", "step", "settle"


class Line:
    """A sequence of queued calls, each with its task."""

    def __init__(self, limit: int = 1000) -> None:
        self.room = HoldingProvider()
        self.provider = queued(self.room, limit=limit)
        self.orders: list[ProvisionRequest] = []
        self.tasks: list[asyncio.Task[Any]] = []

    def start(self, calls: int = 1) -> None:
        for _ in range(calls):
            provision_request = new_provision_request()
            self.orders.append(provision_request)
            self.tasks.append(asyncio.create_task(self.provider.provision(provision_request)))

    async def all_out(self) -> list[BaseException | Any]:
        """Let all calls end, and return their outcomes."""
        self.room.release(len(self.tasks))
        async with asyncio.timeout(PATIENCE):
            return await asyncio.gather(*self.tasks, return_exceptions=True)

    def ids(self, *without: int) -> list[str]:
        return [
            provision_request.tenant.id
            for place, provision_request in enumerate(self.orders)
            if place not in without
        ]

    def ran(self, *without: int) -> list[str]:
        """Return the calls that ran, in order."""
        return [entered for entered in self.room.entered if entered in self.ids(*without)]


async def full_line() -> Line:
    """Return a queue with one running call and no free place."""
    line = Line(limit=WAITING)
    line.start(1 + WAITING)
    await run_until_idle()
    assert line.room.inside == 1
    return line


@every_place
async def test_a_cancelled_wait_leaves_the_queue(place: int) -> None:
    line = await full_line()
    with pytest.raises(ProviderBusy):
        await line.provider.provision(new_provision_request())

    line.tasks[place].cancel()
    await run_until_idle()
    line.start()
    outcomes = await line.all_out()

    assert isinstance(outcomes[place], asyncio.CancelledError)
    assert line.room.entered == line.ids(place)
    assert line.room.most == 1


@every_place
@pytest.mark.parametrize("steps", range(6))
async def test_a_cancellation_between_two_turns_takes_no_turn(place: int, steps: int) -> None:
    """Cancel some event loop steps after the running call ended: a turn may be in progress."""
    line = await full_line()

    line.room.release()
    for _ in range(steps):
        await asyncio.sleep(0)
    line.tasks[place].cancel()
    await line.all_out()

    assert line.ran(place) == line.ids(place)
    assert line.room.most == 1


FIVE_CALLS = [*[(CALL, 0)] * 5, (SETTLE, 0)]

moves = st.lists(
    st.one_of(
        st.sampled_from([(CALL, 0), (LEAVE, 0), (STEP, 0), (SETTLE, 0)]),
        st.tuples(st.just(CANCEL), st.integers(0, 9)),
    ),
    max_size=40,
)


@given(moves=moves)
@example(moves=[*FIVE_CALLS, *((CANCEL, place) for place in range(5)), (SETTLE, 0), *FIVE_CALLS])
@example(moves=[*FIVE_CALLS, (CANCEL, 0), (SETTLE, 0), (LEAVE, 0), (SETTLE, 0)])
async def test_the_other_calls_run_in_order(moves: list[tuple[str, int]]) -> None:
    line, cancelled = Line(), set()
    for move, place in moves:
        if move == CALL:
            line.start()
        elif move == CANCEL and place < len(line.tasks):
            line.tasks[place].cancel()
            cancelled.add(place)
        elif move == LEAVE and line.room.inside:
            line.room.release()
        elif move == STEP:
            await asyncio.sleep(0)
        elif move == SETTLE:
            await run_until_idle()
    await line.all_out()

    assert line.ran(*cancelled) == line.ids(*cancelled)
    assert line.room.entered == sorted(line.room.entered, key=line.ids().index)
    assert line.room.most <= 1
    assert line.room.inside == 0
