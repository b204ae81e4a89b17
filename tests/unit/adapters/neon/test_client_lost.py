"""Answers that do not come, or not in words that can be understood: what they leave unknown."""

import asyncio
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from adapters.neon.budget import Budget
from adapters.neon.wire import Accepted, OneOperation, Projects, Roles
from domain.errors import OutcomeUnknown, ProviderBusy
from tests.support.clock import FakeClock
from tests.unit.adapters.neon.conftest import BRANCH, Wire, operation, role

LOST: dict[str, dict[str, Any]] = {
    "a timeout": {"timeout": True},
    "a reset": {"exception": aiohttp.ClientOSError(104, "Connection reset by peer")},
    "a hanging up": {"exception": aiohttp.ServerDisconnectedError()},
    "half a body": {"exception": aiohttp.ClientPayloadError("not enough data")},
    "a socket's error": {"exception": OSError(5, "Input/output error")},
    "half a JSON": {"body": '{"operations": [{"id": "op-1"'},
    "a page": {"body": "<html>Sign in</html>", "content_type": "text/html"},
    "a list": {"body": "[]"},
    "null": {"body": "null"},
    "no text": {"body": b"\xff\xfe\x00"},
    "another type": {"payload": {"operations": "none", "roles": 3}},
    "500": {"status": 500, "body": "{}"},
    "502": {"status": 502, "body": "<html>Bad gateway</html>"},
    "504": {"status": 504, "body": ""},
    "524": {"status": 524, "body": "<html>A timeout occurred</html>"},
}

lost = pytest.mark.parametrize("answer", LOST.values(), ids=list(LOST))


def _connection_key() -> ConnectionKey:
    return ConnectionKey("neon.example", 443, True, True, None, None, None)


UNREACHED: dict[str, BaseException] = {
    "refused": aiohttp.ClientConnectorError(_connection_key(), OSError(111, "refused")),
    "unknown host": aiohttp.ClientConnectorDNSError(_connection_key(), OSError(-2, "unknown")),
    "no connection in time": aiohttp.ConnectionTimeoutError(),
}


@lost
async def test_a_read_without_an_answer_means_that_nothing_happened(
    wire: Wire, answer: dict[str, Any]
) -> None:
    wire.on("GET", f"{BRANCH}/roles", **answer)

    with pytest.raises(ProviderBusy):
        await wire.branch.roles()


@lost
async def test_a_change_without_an_answer_has_an_unknown_outcome(
    wire: Wire, answer: dict[str, Any]
) -> None:
    wire.on("POST", f"{BRANCH}/databases", **answer)

    with pytest.raises(OutcomeUnknown):
        await wire.branch.make_database("shop", "user_shop")


@pytest.mark.parametrize("error", UNREACHED.values(), ids=list(UNREACHED))
async def test_a_change_that_never_left_has_not_happened(wire: Wire, error: BaseException) -> None:
    wire.on("POST", f"{BRANCH}/databases", exception=error)

    with pytest.raises(ProviderBusy, match="NEON_API_URL"):
        await wire.branch.make_database("shop", "user_shop")


async def test_a_role_made_without_its_password_has_an_unknown_outcome(wire: Wire) -> None:
    answer = {"role": role(), "operations": []}
    wire.on("POST", f"{BRANCH}/roles/user_ana/reset_password", payload=answer)

    with pytest.raises(OutcomeUnknown):
        await wire.branch.new_password("user_ana")


async def test_passes_over_fields_that_it_does_not_know(wire: Wire) -> None:
    known = role(authentication_method="telepathy", moods=["new"])
    wire.on("GET", f"{BRANCH}/roles", payload={"roles": [known], "annotations": {}})

    [found] = (await wire.client.read(f"{BRANCH}/roles", Roles)).roles

    assert found.name == "user_ana"


async def test_takes_null_for_what_is_absent(wire: Wire) -> None:
    wire.on("GET", "/projects", payload={"projects": [], "pagination": {"cursor": None}})

    assert (await wire.client.read("/projects", Projects)).pagination.cursor == ""


async def test_takes_actions_and_states_that_it_does_not_know(wire: Wire) -> None:
    strange = operation("reticulating", action="polish_compute")
    wire.on("GET", "/operations", payload={"operation": strange})

    found = (await wire.client.read("/operations", OneOperation)).operation

    assert (found.status, found.action) == ("reticulating", "polish_compute")


async def test_a_change_is_seen_to_its_end_although_it_is_cancelled(wire: Wire) -> None:
    exchange = _Exchange()
    wire.on("POST", BRANCH, callback=exchange.reply)
    change = asyncio.ensure_future(wire.client.write("POST", BRANCH, Accepted))
    await exchange.begun.wait()

    change.cancel()
    exchange.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await change

    assert exchange.ended


async def test_a_change_is_not_begun_when_it_is_cancelled_before_its_turn(wire: Wire) -> None:
    wire.on("POST", BRANCH, payload={})
    patient = replace(wire.client, budget=Budget(Standstill(), burst=0))
    change = asyncio.ensure_future(patient.write("POST", BRANCH, Accepted))
    await asyncio.sleep(0)

    change.cancel()
    with pytest.raises(asyncio.CancelledError):
        await change

    assert wire.asked() == []


async def test_a_read_stops_when_it_is_cancelled(wire: Wire) -> None:
    exchange = _Exchange()
    wire.on("GET", f"{BRANCH}/roles", callback=exchange.reply)
    reading = asyncio.ensure_future(wire.branch.roles())
    await exchange.begun.wait()

    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading

    assert not exchange.ended


@pytest.mark.parametrize("status", [200, 201])
async def test_a_success_that_lacks_what_was_asked_for_is_no_answer(
    wire: Wire, status: int
) -> None:
    wire.on("POST", f"{BRANCH}/roles", status=status, payload={"operations": []})

    with pytest.raises(OutcomeUnknown):
        await wire.branch.order_role("user_ana")


async def test_an_empty_answer_is_one_only_where_nothing_is_to_be_told(wire: Wire) -> None:
    wire.on("POST", f"{BRANCH}/databases", status=201, body="")

    with pytest.raises(OutcomeUnknown):
        await wire.branch.make_database("shop", "user_ana")


class Standstill(FakeClock):
    """Whoever sleeps, sleeps for ever."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.Event().wait()


class _Exchange:
    """A request that is on its way until it may go on."""

    def __init__(self) -> None:
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()
        self.ended = False

    async def reply(self, _: object, **__: object) -> None:
        self.begun.set()
        await self.go_on.wait()
        self.ended = True
