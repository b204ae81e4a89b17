"""Places for calls of a kind: a caller waits a bounded time for one, and none is lost."""

import asyncio
from contextlib import suppress

import pytest

from adapters.postgres.sessions import hold_place
from domain.errors import ProviderBusy

LONG = 60.0


async def test_a_call_that_waits_too_long_for_a_place_is_refused() -> None:
    places = asyncio.Semaphore(1)
    async with hold_place(places):
        with pytest.raises(ProviderBusy):
            async with hold_place(places, longest=0.0):
                pass
    async with hold_place(places, longest=LONG):
        assert places.locked()
    assert not places.locked()


async def test_a_cancelled_wait_and_a_failed_call_leave_their_place() -> None:
    places = asyncio.Semaphore(1)
    with suppress(ValueError):
        async with hold_place(places):
            waiting = asyncio.create_task(hold_place(places, longest=LONG).__aenter__())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            raise ValueError
    assert not places.locked()
