"""Operations that fail, come back, never end, or cannot be seen for a while."""

from typing import Any

import aiohttp
import pytest

from adapters.neon.operations import LONGEST_FAILURE, LONGEST_WORK
from adapters.neon.wire import Operation
from domain.errors import OutcomeUnknown, ProviderRejected
from tests.unit.adapters.neon.conftest import API, PROJECT, Wire, operation, problem

OPERATION = f"{PROJECT}/operations/op-1"

UNHEARD: dict[str, dict[str, Any]] = {
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


@pytest.mark.parametrize("status", ["error", "cancelled"])
async def test_what_is_dead_is_an_error_at_once(wire: Wire, status: str) -> None:
    _stays(wire, status)

    with pytest.raises(OutcomeUnknown):
        await _wait(wire)

    assert wire.count("GET", OPERATION) == 1


@pytest.mark.parametrize("status", ["error", "cancelled"])
async def test_what_is_dead_from_the_beginning_is_not_asked_for(wire: Wire, status: str) -> None:
    with pytest.raises(OutcomeUnknown):
        await _wait(wire, status)

    assert wire.asked() == []


async def test_what_failed_may_recover(wire: Wire) -> None:
    wire.on("GET", OPERATION, payload={"operation": operation("failed")})
    wire.on("GET", OPERATION, payload={"operation": operation("running")})
    wire.on("GET", OPERATION, payload={"operation": operation("finished")})

    await _wait(wire)

    assert wire.count("GET", OPERATION) == 3


async def test_what_stays_failed_is_an_error_after_a_while(wire: Wire) -> None:
    _stays(wire, "failed")

    with pytest.raises(OutcomeUnknown):
        await _wait(wire)

    assert LONGEST_FAILURE <= wire.clock.elapsed() < LONGEST_FAILURE + 10


@pytest.mark.parametrize("status", ["running", "scheduling", "cancelling", "reticulating", ""])
async def test_what_does_not_end_is_an_error_when_patience_does(wire: Wire, status: str) -> None:
    _stays(wire, status)

    with pytest.raises(OutcomeUnknown):
        await _wait(wire)

    assert LONGEST_WORK <= wire.clock.elapsed() < LONGEST_WORK + 10


async def test_a_strange_status_is_one_on_its_way(wire: Wire) -> None:
    wire.on("GET", OPERATION, payload={"operation": operation("reticulating")})
    wire.on("GET", OPERATION, payload={"operation": operation("finished", action="?")})

    await _wait(wire)

    assert wire.count("GET", OPERATION) == 2


@pytest.mark.parametrize("answer", UNHEARD.values(), ids=list(UNHEARD))
async def test_hearing_nothing_for_a_while_is_no_error(wire: Wire, answer: dict[str, Any]) -> None:
    wire.on("GET", OPERATION, **answer)
    wire.on("GET", OPERATION, **answer)
    wire.on("GET", OPERATION, payload={"operation": operation("finished")})

    await _wait(wire)

    assert wire.count("GET", OPERATION) == 3


async def test_never_hearing_anything_is_an_error_when_patience_ends(wire: Wire) -> None:
    wire.http.add(f"{API}{OPERATION}", method="GET", status=503, repeat=True)

    with pytest.raises(OutcomeUnknown):
        await _wait(wire)

    assert wire.clock.elapsed() >= LONGEST_WORK


async def test_an_operation_that_stays_out_of_sight_is_an_error_after_a_while(wire: Wire) -> None:
    wire.http.add(f"{API}{OPERATION}", method="GET", status=404, repeat=True)

    with pytest.raises(OutcomeUnknown):
        await _wait(wire)

    assert LONGEST_FAILURE <= wire.clock.elapsed() < LONGEST_FAILURE + 10


async def test_a_key_that_is_taken_away_meanwhile_is_said_so(wire: Wire) -> None:
    wire.on("GET", OPERATION, status=401)

    with pytest.raises(ProviderRejected, match="NEON_API_KEY"):
        await _wait(wire)


def _stays(wire: Wire, status: str) -> None:
    wire.always("GET", OPERATION, lambda: {"operation": operation(status)})


async def _wait(wire: Wire, status: str = "running") -> None:
    await wire.waiting().until_done([Operation.model_validate(operation(status))])
