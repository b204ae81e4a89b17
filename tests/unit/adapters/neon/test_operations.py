"""Waiting for operations: few polls, and tolerance of temporary problems."""

from collections.abc import Sequence
from typing import Any

import aiohttp
import pytest

from adapters.neon.api_models import Operation
from adapters.neon.budget import AMPLE, BURST
from adapters.neon.operations import (
    EARLY_POLLS,
    FAILURE_TIMEOUT,
    OPERATION_TIMEOUT,
    Change,
    Pace,
)
from domain.errors import OutcomeUnknown, ProviderRejected
from tests.unit.adapters.neon.conftest import PROJECT, Wire, operation, problem

OPERATION = f"{PROJECT}/operations/op-1"
RECENT = f"{PROJECT}/operations?limit=20"

FIRST_MAXIMUM = {0.05: 2, 0.3: 10, 1.0: 15, 5.0: 22}
"""The maximum number of requests for the first operation, by its seconds."""

LATER_MAXIMUM = 2
"""The maximum for later operations of the same duration."""

VARYING = (0.3, 0.4) * 5
"""Durations in seconds that no single poll meets."""

ENDED = ["finished", "skipped"]
ABORTED = ["error", "cancelled"]

TEMPORARY: dict[str, dict[str, Any]] = {
    "failed, and may recover": {"payload": {"operation": operation("failed")}},
    "an unknown status": {"payload": {"operation": operation("reticulating", action="?")}},
    "a timeout": {"timeout": True},
    "a reset": {"exception": aiohttp.ClientOSError(104, "Connection reset by peer")},
    "half a JSON": {"body": '{"operation": {'},
    "a page": {"status": 524, "body": "<html></html>"},
    "423": {"status": 423},
    "429": {"status": 429, "headers": {"Retry-After": "3"}},
    "500": {"status": 500},
    "503": {"status": 503},
    "404": {"status": 404, "payload": problem("operation not found")},
    "403": {"status": 403},
}

ENDLESS: dict[str, tuple[dict[str, Any], float]] = {
    **{
        status: ({"payload": {"operation": operation(status)}}, OPERATION_TIMEOUT)
        for status in ("running", "scheduling", "cancelling", "reticulating", "")
    },
    "unavailable": ({"status": 503}, OPERATION_TIMEOUT),
    "failed": ({"payload": {"operation": operation("failed")}}, FAILURE_TIMEOUT),
    "not visible": ({"status": 404}, FAILURE_TIMEOUT),
}


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


@pytest.mark.parametrize("operations", [[], *([operation(status)] for status in ENDED)])
async def test_finished_operations_are_not_polled(wire: Wire, operations: list[Any]) -> None:
    await _wait(wire, *operations)
    assert wire.list_requests() == []
    assert wire.clock.slept == []


@pytest.mark.parametrize("in_the_project", [True, False])
async def test_every_operation_is_waited_for(wire: Wire, in_the_project: bool) -> None:
    both = [operation(), operation("scheduling", id="op-2", action="suspend_compute")]
    wire.respond("GET", RECENT, payload={"operations": both[::-1]})
    _end_after(wire, 0.05, "op-1")
    _end_after(wire, 0.6, "op-2", action="suspend_compute")
    await (wire.waiter().wait_until_settled() if in_the_project else _wait(wire, *both))
    assert wire.clock.elapsed() >= 0.6


@pytest.mark.parametrize("status", [*ENDED, *ABORTED, "failed"])
async def test_ended_operations_are_not_waited_for(wire: Wire, status: str) -> None:
    wire.respond("GET", RECENT, payload={"operations": [operation(status)]})
    await wire.waiter().wait_until_settled()
    assert wire.clock.slept == []


@pytest.mark.parametrize("status", ABORTED)
@pytest.mark.parametrize("from_the_beginning", [True, False])
async def test_an_aborted_operation_is_an_error_at_once(
    wire: Wire, status: str, from_the_beginning: bool
) -> None:
    wire.respond("GET", OPERATION, payload={"operation": operation(status)})
    with pytest.raises(OutcomeUnknown):
        await _wait(wire, operation(status if from_the_beginning else "running"))
    assert len(wire.list_requests()) == (0 if from_the_beginning else 1)


@pytest.mark.parametrize("answer", TEMPORARY.values(), ids=list(TEMPORARY))
async def test_temporary_problems_are_not_errors(wire: Wire, answer: dict[str, Any]) -> None:
    wire.respond("GET", OPERATION, **answer)
    wire.respond("GET", OPERATION, **answer)
    wire.respond("GET", OPERATION, payload={"operation": operation("finished")})
    await _wait(wire, operation())
    assert wire.count("GET", OPERATION) == 3


@pytest.mark.parametrize(("answer", "patience"), ENDLESS.values(), ids=list(ENDLESS))
async def test_an_endless_operation_fails(
    wire: Wire, answer: dict[str, Any], patience: float
) -> None:
    wire.respond("GET", OPERATION, **answer, repeat=True)
    with pytest.raises(OutcomeUnknown):
        await _wait(wire, operation())
    assert patience <= wire.clock.elapsed() < patience + 10


async def test_an_api_key_revoked_meanwhile_is_reported(wire: Wire) -> None:
    wire.respond("GET", OPERATION, status=401)
    with pytest.raises(ProviderRejected, match="NEON_API_KEY"):
        await _wait(wire, operation())


async def test_one_request_asks_for_the_operations_of_several_changes(wire: Wire) -> None:
    role, database = operation(id="op-1"), operation(id="op-2")
    wire.respond("GET", RECENT, payload={"operations": [database, operation("finished")]})
    wire.respond("GET", RECENT, payload={"operations": [{**database, "status": "finished"}]})

    await wire.waiter().wait_until_all_done(_change("create role", role), _change("", database))

    assert wire.count("GET", RECENT) == len(wire.list_requests()) == 2


async def test_a_failure_among_several_changes_is_an_error(wire: Wire) -> None:
    both = [operation("finished", id="op-2"), operation("error")]
    wire.respond("GET", RECENT, payload={"operations": both})

    with pytest.raises(OutcomeUnknown):
        await wire.waiter().wait_until_all_done(
            _change("create role", operation()), _change("", operation(id="op-2"))
        )


@pytest.mark.parametrize("answer", [{"status": 503}, {"payload": {"operations": []}}], ids=str)
async def test_operations_that_are_never_listed_fail(wire: Wire, answer: dict[str, Any]) -> None:
    wire.respond("GET", RECENT, **answer, repeat=True)
    with pytest.raises(OutcomeUnknown):
        await wire.waiter().wait_until_all_done(_change("", operation()))
    assert OPERATION_TIMEOUT <= wire.clock.elapsed() < OPERATION_TIMEOUT + 10


async def test_the_end_of_an_operation_is_guessed_after_the_first_one(wire: Wire) -> None:
    pace = Pace()
    change = _change("create role", operation(action="apply_config"))
    assert list(wire.waiter(pace).guess_pauses(change)) == []

    await _wait_and_count(wire, pace, 0.3, purpose="create role")
    usual, *later = wire.waiter(pace).guess_pauses(change)
    assert 0.3 <= usual < 0.31
    assert 0 < sum(later) < 0.15


async def test_a_wait_goes_on_where_the_guesses_ended(wire: Wire) -> None:
    pace = Pace()
    await _wait_and_count(wire, pace, 0.3, purpose="create role")
    change = _change("create role", operation())
    _end_after(wire, 0.0, "op-1")
    begin = wire.clock.elapsed()

    await wire.waiter(pace).wait_until_done(change, waited=0.4)

    assert wire.clock.elapsed() == begin


async def test_the_end_of_all_operations_of_a_change_is_guessed(wire: Wire) -> None:
    pace = Pace()
    await _wait_and_count(wire, pace, 0.3, action="apply_config")
    await _wait_and_count(wire, pace, 0.1, action="suspend_compute")
    both = [operation(action="apply_config"), operation(id="op-2", action="suspend_compute")]

    usual, *_ = wire.waiter(pace).guess_pauses(_change("", *both))

    assert 0.4 <= usual < 0.41


async def test_the_end_of_nothing_is_guessed_at_once(wire: Wire) -> None:
    assert list(wire.waiter().guess_pauses(_change("create role", operation("finished")))) == [0]


async def test_a_single_long_operation_does_not_delay_the_polls_of_later_ones(wire: Wire) -> None:
    pace = Pace()
    for seconds in (0.3, 0.3, 30.0):
        await _wait_and_count(wire, pace, seconds)
    begin = wire.clock.elapsed()

    assert await _wait_and_count(wire, pace, 0.3) == 1
    assert wire.clock.elapsed() - begin < 0.31


def _change(purpose: str, *operations: Any) -> Change:
    return Change(purpose, [Operation.model_validate(each) for each in operations])


async def _wait(wire: Wire, *operations: Any) -> None:
    await wire.waiter().wait_until_done(_change("", *operations))


async def _wait_and_count(
    wire: Wire, pace: Pace, seconds: float, action: str = "apply_config", purpose: str = ""
) -> int:
    """Wait for an operation of `seconds`. Return the number of requests."""
    operation_id = f"op-{len(wire.list_requests())}"
    _end_after(wire, seconds, operation_id, action)
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


def _end_after(wire: Wire, seconds: float, operation_id: str, action: str = "apply_config") -> None:
    begin = wire.clock.elapsed()

    def body() -> Any:
        is_done = wire.clock.elapsed() - begin >= seconds
        status, took = ("finished", seconds) if is_done else ("running", 0.0)
        more = {"id": operation_id, "action": action, "total_duration_ms": round(took * 1000)}
        return {"operation": operation(status, **more)}

    wire.respond_always("GET", f"{PROJECT}/operations/{operation_id}", body)
