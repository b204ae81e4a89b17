"""A vend that has lost its lease without knowing, and whose database somebody else takes up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from adapters.memory.provider import no_trouble
from domain.connection import Connection
from domain.errors import InFlight, ProviderRejected, Unavailable
from domain.states import State
from ports.driven.login_check import LoginCheck
from ports.driving.vend import VendRequest
from ports.driving.vended import Vended
from tests.support.doubles import Holds
from tests.support.vending import Memory

KEYED = VendRequest(nickname="Sales", key="once")
KEYLESS = VendRequest(nickname="Sales")


@dataclass
class HoldingLoginCheck(LoginCheck):
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    async def verify(self, connection: Connection) -> None:
        self.reached.set()
        await self.let_go.wait()


@dataclass
class DroppedMeanwhile(LoginCheck):
    memory: Memory

    async def verify(self, connection: Connection) -> None:
        await self.memory.restarted().sweep()()
        raise ProviderRejected


async def test_it_is_asked_to_repeat_what_another_replica_has_finished() -> None:
    memory = Memory()
    async with _amid(memory, KEYED) as vending:
        other = await memory.restarted().vend()(KEYED)

    with pytest.raises(InFlight):
        await vending
    assert await memory.vend()(KEYED) == other
    assert await memory.held() == {other.database.id}


async def test_it_does_not_undo_what_another_replica_is_about_to_finish() -> None:
    memory, check = Memory(), HoldingLoginCheck()
    async with _amid(memory, KEYED) as vending:
        finishing = asyncio.create_task(memory.restarted().vend(login_check=check)(KEYED))
        await check.reached.wait()

    with pytest.raises(InFlight):
        await vending
    check.let_go.set()
    assert (await finishing).database.state is State.READY


async def test_it_may_be_asked_for_again_when_it_was_taken_for_left_behind() -> None:
    memory = Memory()
    async with _amid(memory, KEYLESS) as vending:
        await memory.restarted().sweep()()

    with pytest.raises(Unavailable):
        await vending
    assert (await memory.only_record()).state is State.FAILED
    assert await memory.held() == set()


async def test_that_its_login_is_refused_by_then_is_nobodys_mistake() -> None:
    memory = Memory()

    with pytest.raises(Unavailable):
        await memory.vend(login_check=DroppedMeanwhile(memory))(KEYLESS)
    assert (await memory.only_record()).state is State.FAILED


@asynccontextmanager
async def _amid(memory: Memory, request: VendRequest) -> AsyncIterator[asyncio.Task[Vended]]:
    """A vend that has made its database, and goes on after the body."""
    memory.trouble = hold = Holds("after provision")
    vending = asyncio.create_task(memory.vend()(request))
    await hold.arrival()
    memory.trouble = no_trouble
    yield vending
    hold.let_go.set()
