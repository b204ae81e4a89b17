"""A promise that is asked for again, of what is no longer to be had: told as without a promise."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import IllegalTransition, InFlight, OtherTarget, ProviderBusy
from ports.driving.vend import VendRequest
from tests.support.doubles import Fails
from tests.support.records import ELSEWHERE
from tests.support.vending import Memory

HOUR = timedelta(hours=1)
KEYED = VendRequest(nickname="Sales", key="once")


async def test_what_was_deleted_is_not_promised_again() -> None:
    memory = Memory()
    promised = await memory.vend().promise(KEYED)
    await memory.vend().finish(promised.id)
    await memory.retire().promise(promised.id)

    with pytest.raises(IllegalTransition, match="take a new key"):
        await memory.vend().promise(KEYED)


async def test_what_is_over_is_not_promised_again() -> None:
    memory = Memory()
    ending = replace(KEYED, ttl=HOUR)
    promised = await memory.vend().promise(ending)
    await memory.vend().finish(promised.id)
    memory.clock.moment += HOUR

    with pytest.raises(IllegalTransition, match="is expired"):
        await memory.vend().promise(ending)


async def test_what_gets_a_new_password_is_promised_again_later() -> None:
    memory = Memory()
    promised = await memory.vend().promise(KEYED)
    await memory.vend().finish(promised.id)
    memory.trouble = Fails({"before rotate": [ProviderBusy()]})
    with pytest.raises(ProviderBusy):
        await memory.rotate()(promised.id)

    with pytest.raises(InFlight):
        await memory.vend().promise(KEYED)


async def test_what_was_promised_elsewhere_is_not_promised_again_here() -> None:
    memory = Memory()
    await memory.vend().promise(KEYED)
    elsewhere = memory.replica()
    elsewhere.target = ELSEWHERE

    with pytest.raises(OtherTarget):
        await elsewhere.vend().promise(KEYED)
