"""The contract of a provider whose calls are cancelled."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest

from domain.connection import Connection
from domain.errors import PgvendError, ProviderRejected
from domain.provisioning import Order
from tests.contract.provider_kinds import Subject
from tests.support.databases import held, holding_of, vended
from tests.support.provision_requests import new_order, rotated

Call = Callable[[Subject, Order], Coroutine[Any, Any, object]]

CALLS: dict[str, Call] = {
    "provision": lambda subject, order: subject.provider.provision(order),
    "delete": lambda subject, order: subject.provider.delete(order.tenant),
    "rotate": lambda subject, order: subject.provider.rotate(rotated(order)),
    "suspend": lambda subject, order: subject.provider.suspend(order.tenant),
}


async def _provisions(subject: Subject, order: Order, _: Connection) -> None:
    connection = await subject.provider.provision(order)
    assert await held(subject.provider, order) == [holding_of(order)]
    await subject.login_check.verify(connection)


async def _deletes(subject: Subject, order: Order, before: Connection) -> None:
    await subject.provider.delete(order.tenant)
    assert await held(subject.provider, order) == []
    with pytest.raises(PgvendError):
        await subject.login_check.verify(before)


async def _rotates(subject: Subject, order: Order, _: Connection) -> None:
    await subject.login_check.verify(await subject.provider.rotate(rotated(order)))


async def _suspends(subject: Subject, order: Order, before: Connection) -> None:
    await subject.provider.suspend(order.tenant)
    with pytest.raises(ProviderRejected):
        await subject.login_check.verify(before)


Next = Callable[[Subject, Order, Connection], Awaitable[None]]

STORIES: list[tuple[str, Next]] = [
    ("provision", _provisions),
    ("provision", _deletes),
    ("delete", _provisions),
    ("delete", _deletes),
    ("rotate", _rotates),
    ("suspend", _provisions),
    ("suspend", _deletes),
    ("suspend", _suspends),
]


@pytest.mark.parametrize(
    ("name", "following"), STORIES, ids=[f"{name} then{then.__name__}" for name, then in STORIES]
)
async def test_the_next_call_repairs_what_a_cancelled_call_left(
    subject: Subject, name: str, following: Next
) -> None:
    order = new_order()
    async with vended(subject.provider, order):
        async for moment in _moments(subject):
            before = await subject.provider.provision(order)
            if name == "provision":
                await subject.provider.delete(order.tenant)
            await _cancelled(CALLS[name](subject, order), moment)
            await following(subject, order, before)


async def test_calls_cancelled_together_leave_a_working_provider(subject: Subject) -> None:
    order = new_order()
    calls = [subject.provider.provision(order) for _ in range(8)]
    await asyncio.gather(*(_cancelled(call, 0.002 * place) for place, call in enumerate(calls)))
    async with vended(subject.provider, order) as connection:
        await subject.login_check.verify(connection)


async def _moments(subject: Subject) -> AsyncIterator[int | float]:
    """Yield turns of the loop, in which a provider in memory waits, and then seconds within the
    time of an undisturbed provision, in which one with a server does."""
    for turns in range(1, subject.turns + 1):
        yield turns
    begin = time.monotonic()
    async with vended(subject.provider, new_order()):
        duration = time.monotonic() - begin
    for number in range(subject.moments):
        yield duration * (number + 1) / subject.moments


async def _cancelled(call: Coroutine[Any, Any, object], moment: float) -> None:
    """Start the call, and cancel it at that moment unless it has finished."""
    task = asyncio.ensure_future(call)
    if isinstance(moment, int):
        for _ in range(moment):
            await asyncio.sleep(0)
    else:
        await asyncio.sleep(moment)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
