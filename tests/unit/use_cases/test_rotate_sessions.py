"""A rotation that ends the owner's sessions, which the record promises as well."""

import pytest

from adapters.memory.provider import MemoryProvider
from domain.connection import Connection
from domain.order import Order
from domain.states import State
from domain.steps import StepState
from ports.driving.vended import Vended
from tests.support.aftermath import settle
from tests.support.vending import GRACE, HOUR, ROTATING, Memory


class Attentive(MemoryProvider):
    """Notes which rotations were to end sessions."""

    asked: tuple[bool, ...] = ()

    async def rotate(self, order: Order, *, end_sessions: bool = False) -> Connection:
        self.asked += (end_sessions,)
        return await super().rotate(order, end_sessions=end_sessions)


@pytest.fixture
def provider(memory: Memory) -> Attentive:
    memory.provider = Attentive(trouble=memory._trouble)
    return memory.provider


@pytest.mark.parametrize("end_sessions", [False, True])
async def test_sessions_end_where_that_is_asked_for(
    memory: Memory, provider: Attentive, sales: Vended, end_sessions: bool
) -> None:
    rotated = await memory.rotate()(sales.database.id, end_sessions=end_sessions)

    assert (rotated.sessions_ended, provider.asked) == (end_sessions, (end_sessions,))
    states = {step.name: step.state for step in rotated.database.steps}
    assert states.get("end_sessions") == (StepState.DONE if end_sessions else None)
    assert states["rotate"] is StepState.DONE
    assert rotated.database.is_at_rest


@pytest.mark.parametrize("moment", ROTATING)
@pytest.mark.parametrize("finish", ["rotate", "sweep"])
async def test_whoever_finishes_a_rotation_ends_the_sessions_too(
    memory: Memory, provider: Attentive, sales: Vended, moment: str, finish: str
) -> None:
    await memory.interrupt(moment, memory.rotate()(sales.database.id, end_sessions=True))

    if finish == "rotate":
        assert (await memory.rotate()(sales.database.id)).sessions_ended
    else:
        await settle(memory)

    assert provider.asked == (True, True)
    assert (await memory.only_record()).is_at_rest
    assert not (await memory.rotate()(sales.database.id)).sessions_ended


async def test_a_pending_rotation_may_be_asked_to_end_sessions(
    memory: Memory, sales: Vended
) -> None:
    await memory.interrupt("before rotate", memory.rotate()(sales.database.id))

    rotated = await memory.rotate()(sales.database.id, end_sessions=True)

    assert (rotated.sessions_ended, rotated.database.rotation) == (True, 1)


async def test_a_restored_database_has_no_sessions_left_to_end(
    memory: Memory, hourly: Vended
) -> None:
    await memory.interrupt("before rotate", memory.rotate()(hourly.database.id, end_sessions=True))
    memory.clock.moment += HOUR
    await memory.expire(GRACE).finish(hourly.database.id)

    restored = await memory.restore()(hourly.database.id)

    assert (restored.database.state, restored.database.is_at_rest) == (State.READY, True)
    assert not (await memory.rotate()(hourly.database.id)).sessions_ended
