"""Waits for operations: all are waited for, and temporary problems are tolerated."""

from typing import Any

import aiohttp
import pytest

from adapters.neon.operations import (
    FAILURE_TIMEOUT,
    OPERATION_TIMEOUT,
)
from domain.errors import OutcomeUnknown, ProviderRejected
from tests.unit.adapters.neon.conftest import PROJECT, Wire, change_of, operation, problem

OPERATION = f"{PROJECT}/operations/op-1"
RECENT = f"{PROJECT}/operations?limit=20"

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


@pytest.mark.parametrize("operations", [[], *([operation(status)] for status in ENDED)])
async def test_finished_operations_are_not_polled(wire: Wire, operations: list[Any]) -> None:
    await _wait(wire, *operations)
    assert wire.list_requests() == []
    assert wire.clock.slept == []


@pytest.mark.parametrize("in_the_project", [True, False])
async def test_every_operation_is_waited_for(wire: Wire, in_the_project: bool) -> None:
    both = [operation(), operation("scheduling", id="op-2", action="suspend_compute")]
    wire.respond("GET", RECENT, payload={"operations": both[::-1]})
    wire.end_operation_after(0.05, "op-1")
    wire.end_operation_after(0.6, "op-2", action="suspend_compute")
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

    await wire.waiter().wait_until_all_done(change_of("create role", role), change_of("", database))

    assert wire.count("GET", RECENT) == len(wire.list_requests()) == 2


async def test_a_failure_among_several_changes_is_an_error(wire: Wire) -> None:
    both = [operation("finished", id="op-2"), operation("error")]
    wire.respond("GET", RECENT, payload={"operations": both})

    with pytest.raises(OutcomeUnknown):
        await wire.waiter().wait_until_all_done(
            change_of("create role", operation()), change_of("", operation(id="op-2"))
        )


@pytest.mark.parametrize("answer", [{"status": 503}, {"payload": {"operations": []}}], ids=str)
async def test_operations_that_are_never_listed_fail(wire: Wire, answer: dict[str, Any]) -> None:
    wire.respond("GET", RECENT, **answer, repeat=True)
    with pytest.raises(OutcomeUnknown):
        await wire.waiter().wait_until_all_done(change_of("", operation()))
    assert OPERATION_TIMEOUT <= wire.clock.elapsed() < OPERATION_TIMEOUT + 10


async def _wait(wire: Wire, *operations: Any) -> None:
    await wire.waiter().wait_until_done(change_of("", *operations))
