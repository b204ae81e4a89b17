"""Would a request be answered now?"""

import asyncio

import pytest

from adapters.memory.provider import MemoryProvider
from adapters.memory.registry import MemoryRegistry
from domain.errors import PgvendError, ProviderBusy, ProviderRejected, Unavailable
from ports.driving.check_health import CheckHealth
from tests.support.doubles import Fails, Holds


class SilentRegistry(MemoryRegistry):
    async def ping(self) -> None:
        raise Unavailable


async def test_all_is_well_when_every_part_answers() -> None:
    health = await CheckHealth(registry=MemoryRegistry(), provider=MemoryProvider())()

    assert health.is_ok
    assert health.checks == {"registry": "ok", "provider": "ok"}


@pytest.mark.parametrize("error", [ProviderBusy, ProviderRejected])
async def test_a_part_that_fails_is_named_with_the_code_of_its_error(
    error: type[PgvendError],
) -> None:
    provider = MemoryProvider(trouble=Fails({"ping": [error("of no concern to a caller")]}))

    health = await CheckHealth(registry=MemoryRegistry(), provider=provider)()

    assert not health.is_ok
    assert health.checks == {"registry": "ok", "provider": error.code}


async def test_a_part_that_crashes_is_named_without_its_words() -> None:
    class Crashing(MemoryRegistry):
        async def ping(self) -> None:
            raise ValueError("password=hunter2")

    health = await CheckHealth(registry=Crashing(), provider=MemoryProvider())()

    assert health.checks == {"registry": "internal_error", "provider": "ok"}


async def test_every_part_is_asked_though_another_fails() -> None:
    provider = MemoryProvider(trouble=Fails({"ping": [ProviderBusy()]}))

    health = await CheckHealth(registry=SilentRegistry(), provider=provider)()

    assert health.checks == {"registry": "unavailable", "provider": "provider_busy"}


async def test_the_parts_are_asked_at_the_same_time() -> None:
    """A meeting that neither could hold alone."""
    both = asyncio.Barrier(2)

    class Meeting(MemoryRegistry):
        async def ping(self) -> None:
            await both.wait()

    async def meet(moment: str) -> None:
        await both.wait()

    provider = MemoryProvider(trouble=meet)

    assert (await CheckHealth(registry=Meeting(), provider=provider)()).is_ok


async def test_health_is_how_it_is_now() -> None:
    check = CheckHealth(
        registry=MemoryRegistry(),
        provider=MemoryProvider(trouble=Fails({"ping": [ProviderBusy()]})),
    )

    assert [(await check()).is_ok for _ in range(2)] == [False, True]


async def test_a_part_that_does_not_answer_is_named_and_not_waited_for() -> None:
    provider = MemoryProvider(trouble=Holds("ping"))

    health = await CheckHealth(registry=MemoryRegistry(), provider=provider, patience=0)()

    assert health.checks == {"registry": "ok", "provider": "timeout"}


async def test_whoever_asks_meanwhile_gets_the_same_look() -> None:
    """Each look takes a session on the server, and strangers may ask."""
    looks, go_on = [], asyncio.Event()

    class Counting(MemoryRegistry):
        async def ping(self) -> None:
            looks.append(1)
            await go_on.wait()

    check = CheckHealth(registry=Counting(), provider=MemoryProvider())
    asked = [asyncio.ensure_future(check()) for _ in range(100)]
    await asyncio.sleep(0)
    asked[0].cancel()
    go_on.set()
    healths = await asyncio.gather(*asked[1:])

    assert all(health.is_ok for health in healths)
    assert len(looks) == 1
    assert (await check()).is_ok
    assert len(looks) == 2
