"""Two processes do something at once: whoever comes first, all is in line afterwards."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations_with_replacement

import pytest

from adapters.memory.provider import no_trouble
from domain.errors import PgvendError
from tests.support.acts import ACTS, GRACE, SALES, Act
from tests.support.aftermath import assert_in_line, settle
from tests.support.fate import Dawdling, troubled
from tests.support.vending import Memory

GAMES = 6
"""Throws of the dice for each pair."""


PAIRS = list(combinations_with_replacement(ACTS, 2))


def names(act: Act) -> str:
    return act.__name__


@pytest.mark.parametrize(
    "other_process", [Memory.replica, Memory.restarted], ids=["leases", "lost-leases"]
)
@pytest.mark.parametrize(("one", "other"), PAIRS, ids=names)
async def test_two_who_act_at_once_leave_all_in_line(
    one: Act, other: Act, other_process: Callable[[Memory], Memory]
) -> None:
    """Leases save work; where they are lost, the records' versions decide."""
    for seed in range(GAMES):
        memory = Memory()
        await memory.occupy("Taken")
        first = await memory.vend()(replace(SALES, nickname="First"))
        process = troubled(memory, Dawdling(seed))
        rival = replace(process, memory=other_process(process.memory))

        outcomes = await asyncio.gather(
            one(process, first.database.id), other(rival, first.database.id), return_exceptions=True
        )

        assert all(isinstance(outcome, PgvendError | None) for outcome in outcomes), outcomes
        memory.trouble = no_trouble
        await settle(memory, GRACE)
        await assert_in_line(memory, GRACE)
