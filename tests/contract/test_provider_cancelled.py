"""The contract of a provider whose calls are cancelled."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest

from domain.connection import Connection
from domain.errors import PgvendError, ProviderRejected
from domain.provisioning import ProvisionRequest
from tests.contract.provider_kinds import ProviderSetup
from tests.support.databases import expected_item, find_in_inventory, provisioned_database
from tests.support.provision_requests import new_provision_request, with_next_password

Call = Callable[[ProviderSetup, ProvisionRequest], Coroutine[Any, Any, object]]

CALLS: dict[str, Call] = {
    "provision": lambda setup, provision_request: setup.provider.provision(provision_request),
    "delete": lambda setup, provision_request: setup.provider.delete(provision_request.tenant),
    "rotate": lambda setup, provision_request: setup.provider.rotate(
        with_next_password(provision_request)
    ),
    "suspend": lambda setup, provision_request: setup.provider.suspend(provision_request.tenant),
}


async def _provisions(
    setup: ProviderSetup, provision_request: ProvisionRequest, _: Connection
) -> None:
    connection = await setup.provider.provision(provision_request)
    assert await find_in_inventory(setup.provider, provision_request) == [
        expected_item(provision_request)
    ]
    await setup.login_check.verify(connection)


async def _deletes(
    setup: ProviderSetup, provision_request: ProvisionRequest, before: Connection
) -> None:
    await setup.provider.delete(provision_request.tenant)
    assert await find_in_inventory(setup.provider, provision_request) == []
    with pytest.raises(PgvendError):
        await setup.login_check.verify(before)


async def _rotates(
    setup: ProviderSetup, provision_request: ProvisionRequest, _: Connection
) -> None:
    await setup.login_check.verify(
        await setup.provider.rotate(with_next_password(provision_request))
    )


async def _suspends(
    setup: ProviderSetup, provision_request: ProvisionRequest, before: Connection
) -> None:
    await setup.provider.suspend(provision_request.tenant)
    with pytest.raises(ProviderRejected):
        await setup.login_check.verify(before)


Next = Callable[[ProviderSetup, ProvisionRequest, Connection], Awaitable[None]]

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
    setup: ProviderSetup, name: str, following: Next
) -> None:
    provision_request = new_provision_request()
    async with provisioned_database(setup.provider, provision_request):
        async for moment in _moments(setup):
            before = await setup.provider.provision(provision_request)
            if name == "provision":
                await setup.provider.delete(provision_request.tenant)
            await _cancelled(CALLS[name](setup, provision_request), moment)
            await following(setup, provision_request, before)


async def test_calls_cancelled_together_leave_a_working_provider(setup: ProviderSetup) -> None:
    provision_request = new_provision_request()
    calls = [setup.provider.provision(provision_request) for _ in range(8)]
    await asyncio.gather(*(_cancelled(call, 0.002 * place) for place, call in enumerate(calls)))
    async with provisioned_database(setup.provider, provision_request) as connection:
        await setup.login_check.verify(connection)


async def _moments(setup: ProviderSetup) -> AsyncIterator[int | float]:
    """Yield turns of the loop, in which a provider in memory waits, and then seconds within the
    time of an undisturbed provision, in which one with a server does."""
    for turns in range(1, setup.turns + 1):
        yield turns
    begin = time.monotonic()
    async with provisioned_database(setup.provider, new_provision_request()):
        duration = time.monotonic() - begin
    for number in range(setup.moments):
        yield duration * (number + 1) / setup.moments


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
