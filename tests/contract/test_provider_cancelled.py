"""What every provider promises when its caller goes away in the middle."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from typing import Any

import pytest

from domain.errors import PgvendError, ProviderRejected
from tests.contract.subjects import Subject
from tests.support.databases import held, holding_of, vended
from tests.support.orders import new_order, rotated


async def test_what_a_cancelled_provision_leaves_is_retired_completely(subject: Subject) -> None:
    async for moment in _moments(subject):
        order = new_order()
        await _cancelled(subject.provider.provision(order), moment)
        await subject.provider.retire(order.tenant)
        assert await held(subject.provider, order) == [], f"cancelled after {moment}"


async def test_provisioning_again_after_a_cancelled_one_converges(subject: Subject) -> None:
    async for moment in _moments(subject):
        order = new_order()
        await _cancelled(subject.provider.provision(order), moment)
        async with vended(subject.provider, order) as connection:
            assert await held(subject.provider, order) == [holding_of(order)]
            await subject.login_check.verify(connection)


async def test_a_cancelled_retirement_can_be_repeated(subject: Subject) -> None:
    async for moment in _moments(subject):
        order = new_order()
        connection = await subject.provider.provision(order)
        await _cancelled(subject.provider.retire(order.tenant), moment)
        await subject.provider.retire(order.tenant)
        assert await held(subject.provider, order) == [], f"cancelled after {moment}"
        with pytest.raises(PgvendError):
            await subject.login_check.verify(connection)


async def test_provisioning_after_a_cancelled_retirement_converges(subject: Subject) -> None:
    async for moment in _moments(subject):
        order = new_order()
        await subject.provider.provision(order)
        await _cancelled(subject.provider.retire(order.tenant), moment)
        async with vended(subject.provider, order) as connection:
            assert await held(subject.provider, order) == [holding_of(order)]
            await subject.login_check.verify(connection)


async def test_a_cancelled_rotation_can_be_repeated(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order):
        async for moment in _moments(subject):
            await _cancelled(subject.provider.rotate(rotated(order)), moment)
            await subject.login_check.verify(await subject.provider.rotate(rotated(order)))
            await subject.provider.rotate(order)


async def test_a_cancelled_suspension_can_be_repeated(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order):
        async for moment in _moments(subject):
            connection = await subject.provider.provision(order)
            await _cancelled(subject.provider.suspend(order.tenant), moment)
            await subject.provider.suspend(order.tenant)
            with pytest.raises(ProviderRejected):
                await subject.login_check.verify(connection)


async def test_provisioning_after_a_cancelled_suspension_lets_the_tenant_in(
    subject: Subject,
) -> None:
    order = new_order()
    async with vended(subject.provider, order):
        async for moment in _moments(subject):
            await _cancelled(subject.provider.suspend(order.tenant), moment)
            await subject.login_check.verify(await subject.provider.provision(order))
            assert await held(subject.provider, order) == [holding_of(order)]


async def test_what_a_cancelled_suspension_leaves_is_retired_completely(subject: Subject) -> None:
    async for moment in _moments(subject):
        order = new_order()
        await subject.provider.provision(order)
        await _cancelled(subject.provider.suspend(order.tenant), moment)
        await subject.provider.retire(order.tenant)
        assert await held(subject.provider, order) == [], f"cancelled after {moment}"


async def test_calls_that_are_cancelled_together_leave_the_provider_in_working_order(
    subject: Subject,
) -> None:
    order = new_order()
    calls = [subject.provider.provision(order) for _ in range(8)]
    await asyncio.gather(*(_cancelled(call, 0.002 * place) for place, call in enumerate(calls)))
    async with vended(subject.provider, order) as connection:
        await subject.login_check.verify(connection)


async def _moments(subject: Subject) -> AsyncIterator[int | float]:
    """Turns of the loop, where a provider in memory waits; then seconds within the time of an
    undisturbed provision, where one with a server does."""
    for turns in range(1, subject.turns + 1):
        yield turns
    begin = time.monotonic()
    async with vended(subject.provider, new_order()):
        duration = time.monotonic() - begin
    for number in range(subject.moments):
        yield duration * (number + 1) / subject.moments


async def _cancelled(call: Coroutine[Any, Any, object], moment: float) -> None:
    """Begin the call and cancel it at that moment, unless it is done by then."""
    task = asyncio.ensure_future(call)
    if isinstance(moment, int):
        for _ in range(moment):
            await asyncio.sleep(0)
    else:
        await asyncio.sleep(moment)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
