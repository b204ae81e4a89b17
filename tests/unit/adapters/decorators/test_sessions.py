"""What decorators hand on about a rotation."""

from dataclasses import dataclass, field

import pytest
import structlog

from adapters.decorators.observed import Observation, ObservedProvider
from adapters.decorators.queued import Queue, QueuedProvider
from adapters.decorators.retrying import Retrying, RetryingProvider
from adapters.memory.provider import MemoryProvider
from domain.connection import Connection
from domain.order import Order
from domain.retry import RetryPolicy
from ports.driven.database_provider import DatabaseProvider
from tests.support.clock import FakeClock
from tests.support.doubles import ScriptedProvider
from tests.support.orders import new_order
from tests.support.randomness import SeededRandomness


@dataclass
class Ending(ScriptedProvider):
    """Ends sessions with every rotation, and notes who asked for it."""

    inner: DatabaseProvider = field(default_factory=MemoryProvider)
    asked: list[bool] = field(default_factory=list)

    @property
    def rotation_ends_sessions(self) -> bool:
        return True

    async def rotate(self, order: Order, *, end_sessions: bool = False) -> Connection:
        self.asked.append(end_sessions)
        return await super().rotate(order, end_sessions=end_sessions)


def decorated(kind: str, inner: DatabaseProvider) -> DatabaseProvider:
    clock, log = FakeClock(), structlog.get_logger()
    if kind == "observed":
        return ObservedProvider(inner, Observation(clock, log))
    if kind == "queued":
        return QueuedProvider(inner, Queue(1, 1.0, clock, log))
    return RetryingProvider(inner, Retrying(RetryPolicy(), clock, SeededRandomness()))


@pytest.mark.parametrize("kind", ["observed", "queued", "retrying"])
async def test_the_end_of_sessions_is_handed_on_and_so_is_that_it_always_comes(kind: str) -> None:
    ending, order = Ending(), new_order()
    provider = decorated(kind, ending)
    await provider.provision(order)

    await provider.rotate(order)
    await provider.rotate(order, end_sessions=True)

    assert ending.asked == [False, True]
    assert provider.rotation_ends_sessions
    assert not decorated(kind, MemoryProvider()).rotation_ends_sessions
