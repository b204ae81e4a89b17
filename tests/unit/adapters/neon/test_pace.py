"""The pace of the polls: few, and soon after the end of an operation."""

from collections.abc import Sequence

import pytest

from adapters.neon.api_models import Operation
from adapters.neon.budget import AMPLE, BURST
from adapters.neon.operations import Change
from adapters.neon.pace import EARLY_POLLS, Pace
from tests.unit.adapters.neon.conftest import PROJECT, Wire, change_of, operation

FIRST_MAXIMUM = {0.05: 2, 0.3: 10, 1.0: 15, 5.0: 22}
"""The maximum number of requests for the first operation, by its seconds."""

LATER_MAXIMUM = 2
"""The maximum for later operations of the same duration."""

VARYING = (0.3, 0.4) * 5
"""Durations in seconds that no single poll meets."""


@pytest.mark.parametrize(("seconds", "maximum"), FIRST_MAXIMUM.items())
async def test_polls_are_few_at_first_and_hardly_more_than_one_later(
    wire: Wire, seconds: float, maximum: int
) -> None:
    pace = Pace()
    polls = [await _wait_and_count(wire, pace, seconds) for _ in range(9)]
    begin = wire.clock.elapsed()
    polls.append(await _wait_and_count(wire, pace, seconds))

    assert polls[0] <= maximum
    assert max(polls[-2:]) <= LATER_MAXIMUM
    assert seconds <= wire.clock.elapsed() - begin <= seconds * 1.1


async def test_durations_are_learned_for_each_action_and_purpose(wire: Wire) -> None:
    pace = Pace()
    await _wait_and_count(wire, pace, 5.0, action="create_timeline")
    begin = wire.clock.elapsed()
    await _wait_and_count(wire, pace, 0.05, action="apply_config")
    assert wire.clock.elapsed() - begin < 0.1

    for _ in range(4):
        await _wait_and_count(wire, pace, 0.3, purpose="create role")
        await _wait_and_count(wire, pace, 0.4, purpose="create database")
    assert await _wait_and_count(wire, pace, 0.3, purpose="create role") == 1
    assert await _wait_and_count(wire, pace, 0.4, purpose="create database") == 1


@pytest.mark.parametrize(
    ("before", "times", "after", "maximum"), [(0.3, 1, 3.0, 2), (0.0, 8, 5, 28)]
)
async def test_a_longer_duration_is_learned(
    wire: Wire, before: float, times: int, after: float, maximum: int
) -> None:
    pace = Pace()
    for _ in range(times):
        await _wait_and_count(wire, pace, before)
    for _ in range(8 if before else 0):
        await _wait_and_count(wire, pace, after)
    assert await _wait_and_count(wire, pace, after) <= maximum


async def test_durations_that_vary_cost_hardly_more_than_one_poll_each(scarce_wire: Wire) -> None:
    """A poll that comes too early takes more of the account's requests than it saves time."""
    pace = Pace()
    await _wait_for_all(scarce_wire, pace, VARYING)

    polls, _ = await _wait_for_all(scarce_wire, pace, VARYING)

    assert polls <= len(VARYING) + 1


async def test_an_ample_budget_is_spent_on_polls_before_the_usual_end(wire: Wire) -> None:
    pace = Pace()
    await _wait_for_all(wire, pace, VARYING)

    polls, late = await _wait_for_all(wire, pace, VARYING)

    assert late <= max(VARYING) * 0.1
    assert len(VARYING) < polls <= len(VARYING) * (1 + EARLY_POLLS)


async def test_a_budget_that_becomes_scarce_ends_the_early_polls(wire: Wire) -> None:
    pace, budget = Pace(), wire.client.budget
    await _wait_for_all(wire, pace, VARYING)
    pauses = pace.iterate_pauses("apply_config: ", budget)
    early = [next(pauses), next(pauses)]
    for _ in range(BURST - AMPLE + 1):
        await budget.spend()

    assert sum(early) < max(VARYING) <= sum(early) + next(pauses) < max(VARYING) * 1.02


async def test_the_end_of_an_operation_is_guessed_after_the_first_one(wire: Wire) -> None:
    pace = Pace()
    change = change_of("create role", operation(action="apply_config"))
    assert list(wire.waiter(pace).guess_pauses(change)) == []

    await _wait_and_count(wire, pace, 0.3, purpose="create role")
    usual, *later = wire.waiter(pace).guess_pauses(change)
    assert 0.3 <= usual < 0.31
    assert 0 < sum(later) < 0.15


async def test_a_wait_goes_on_where_the_guesses_ended(wire: Wire) -> None:
    pace = Pace()
    await _wait_and_count(wire, pace, 0.3, purpose="create role")
    change = change_of("create role", operation())
    wire.end_operation_after(0.0, "op-1")
    begin = wire.clock.elapsed()

    await wire.waiter(pace).wait_until_done(change, waited=0.4)

    assert wire.clock.elapsed() == begin


async def test_the_end_of_all_operations_of_a_change_is_guessed(wire: Wire) -> None:
    pace = Pace()
    await _wait_and_count(wire, pace, 0.3, action="apply_config")
    await _wait_and_count(wire, pace, 0.1, action="suspend_compute")
    both = [operation(action="apply_config"), operation(id="op-2", action="suspend_compute")]

    usual, *_ = wire.waiter(pace).guess_pauses(change_of("", *both))

    assert 0.4 <= usual < 0.41


async def test_the_end_of_nothing_is_guessed_at_once(wire: Wire) -> None:
    assert list(wire.waiter().guess_pauses(change_of("create role", operation("finished")))) == [0]


async def test_a_single_long_operation_does_not_delay_the_polls_of_later_ones(wire: Wire) -> None:
    pace = Pace()
    for seconds in (0.3, 0.3, 30.0):
        await _wait_and_count(wire, pace, seconds)
    begin = wire.clock.elapsed()

    assert await _wait_and_count(wire, pace, 0.3) == 1
    assert wire.clock.elapsed() - begin < 0.31


async def _wait_and_count(
    wire: Wire, pace: Pace, seconds: float, action: str = "apply_config", purpose: str = ""
) -> int:
    """Wait for an operation of `seconds`. Return the number of requests."""
    operation_id = f"op-{len(wire.list_requests())}"
    wire.end_operation_after(seconds, operation_id, action)
    running = Operation.model_validate(operation(id=operation_id, action=action))
    await wire.waiter(pace).wait_until_done(Change(purpose, [running]))
    return wire.count("GET", f"{PROJECT}/operations/{operation_id}")


async def _wait_for_all(wire: Wire, pace: Pace, durations: Sequence[float]) -> tuple[int, float]:
    """Wait for operations one after the other. Return the number of requests, and the longest time
    in seconds between an end and its poll."""
    polls, late = 0, 0.0
    for seconds in durations:
        begin = wire.clock.elapsed()
        polls += await _wait_and_count(wire, pace, seconds)
        late = max(late, wire.clock.elapsed() - begin - seconds)
    return polls, late
