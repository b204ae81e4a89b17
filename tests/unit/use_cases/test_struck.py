"""Whatever happens to a process, at whichever of its calls: the next one puts all in line."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from adapters.memory.provider import no_trouble
from domain.errors import PgvendError
from tests.support.acts import ACTS, GRACE, SALES, Act
from tests.support.aftermath import assert_in_line, settle
from tests.support.fate import BLOWS, Blow, Killed, troubled
from tests.support.vending import Memory

AT_ONCE, AFTER_ITS_END, LONG_AFTER = timedelta(), timedelta(minutes=90), timedelta(days=9)


@pytest.mark.parametrize("later", [AT_ONCE, AFTER_ITS_END, LONG_AFTER], ids=str)
@pytest.mark.parametrize("blow", BLOWS.values(), ids=BLOWS)
@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
async def test_whenever_a_process_is_struck_the_next_puts_all_in_line(
    act: Act, blow: Blow, later: timedelta
) -> None:
    for at in count(1):
        if not await is_struck(act, blow, at, later):
            break

    assert at > 3, "hardly anything was done"


async def is_struck(act: Act, blow: Blow, at: int, later: timedelta) -> bool:
    """Whether the act took so many moments. Raises AssertionError when something is left."""
    memory = Memory()
    await memory.occupy("Taken")
    first = await memory.vend()(replace(SALES, nickname="First"))
    fate = blow.fate(at)
    with suppress(PgvendError, Killed, asyncio.CancelledError, ValueError):
        await act(troubled(memory, fate), first.database.id)
    memory.trouble = no_trouble
    service = memory.restarted()
    service.clock.moment += later
    await settle(service, GRACE)
    await assert_in_line(service, GRACE)
    return fate.has_struck
