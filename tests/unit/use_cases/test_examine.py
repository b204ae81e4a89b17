"""Every part is examined, whatever becomes of the others."""

import asyncio
from collections.abc import AsyncGenerator

from domain.checkup import Check, Outcome
from domain.errors import StartupError
from ports.driven.examination import Examination
from ports.driving.examine import Examine
from tests.support.checkups import FAIL, OK, UNKNOWN, Finds

FINE = Check("clock", Outcome(OK, "It is right."))
BAD = Check("disk", Outcome(FAIL, "It is full."))


class Endless(Examination):
    """Finds one thing, and then waits for what never comes."""

    async def examine(self) -> AsyncGenerator[Check, None]:
        yield FINE
        await asyncio.Event().wait()


async def test_what_the_parts_find_is_told_in_their_order() -> None:
    found = await Examine(parts={"first": Finds([FINE]), "second": Finds([BAD])})()

    assert found == [FINE, BAD]


async def test_a_part_that_cannot_go_on_has_failed_by_its_name() -> None:
    broken = Finds([FINE], StartupError("The key is wrong: set another."))

    found = await Examine(parts={"neon": broken, "second": Finds([BAD])})()

    told = Check("neon", Outcome(FAIL, "The key is wrong: set another."))
    assert found == [FINE, told, BAD]


async def test_a_part_that_crashes_is_unknown_and_not_quoted() -> None:
    found = await Examine(parts={"neon": Finds([FINE], ValueError("password=hunter2"))})()

    assert found[0] == FINE
    assert (found[1].name, found[1].outcome.verdict) == ("neon", UNKNOWN)
    assert "hunter2" not in found[1].outcome.detail


async def test_a_part_that_takes_too_long_keeps_what_it_has_found() -> None:
    parts = {"first": Endless(), "second": Finds([BAD])}

    found = await Examine(parts=parts, patience=0.01)()

    assert [(check.name, check.outcome.verdict) for check in found] == [
        ("clock", OK),
        ("first", FAIL),
        ("disk", FAIL),
    ]


async def test_the_parts_are_examined_at_the_same_time() -> None:
    """A meeting that neither could hold alone."""
    both = asyncio.Barrier(2)

    class Meeting(Examination):
        async def examine(self) -> AsyncGenerator[Check, None]:
            await both.wait()
            yield FINE

    async with asyncio.timeout(10):
        found = await Examine(parts={"first": Meeting(), "second": Meeting()})()

    assert found == [FINE, FINE]
