"""Requests to Neon, their secrets, and the errors for missing responses."""

import asyncio
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
import structlog
from aiohttp.client_reqrep import ConnectionKey

from adapters.neon.api_models import Accepted, BranchResponse, OperationResponse, Projects, Roles
from adapters.neon.budget import Budget
from adapters.neon.client import build_path
from domain.errors import OutcomeUnknown, PgvendError, ProviderBusy, ProviderRejected
from tests.support.clock import FakeClock
from tests.support.tracing import format_traceparent, recording_spans
from tests.unit.adapters.neon.conftest import API, BRANCH, KEY, Wire, operation, problem, role

ROLES, DATABASES = f"{BRANCH}/roles", f"{BRANCH}/databases"
RESET = f"{BRANCH}/roles/user_ana/reset_password"

NAMES = {
    "a/b": "a%2Fb",
    "50%": "50%25",
    "%2F": "%252F",
    "two words": "two%20words",
    "übung": "%C3%BCbung",
    "why?#so": "why%3F%23so",
    "a+b&c=d": "a%2Bb%26c%3Dd",
    "user_ana-1.x~": "user_ana-1.x~",
}

LOST: dict[str, dict[str, Any]] = {
    "a timeout": {"timeout": True},
    "a reset": {"exception": aiohttp.ClientOSError(104, "Connection reset by peer")},
    "a disconnect": {"exception": aiohttp.ServerDisconnectedError()},
    "half a body": {"exception": aiohttp.ClientPayloadError("not enough data")},
    "a socket's error": {"exception": OSError(5, "Input/output error")},
    "half a JSON": {"body": '{"operations": [{"id": "op-1"'},
    "a page": {"body": "<html>Sign in</html>", "content_type": "text/html"},
    "a list": {"body": "[]"},
    "null": {"body": "null"},
    "nothing": {"body": "", "status": 201},
    "no text": {"body": b"\xff\xfe\x00"},
    "another type": {"payload": {"operations": "none", "roles": 3}},
    "500": {"status": 500, "body": "{}"},
    "502": {"status": 502, "body": "<html>Bad gateway</html>"},
    "504": {"status": 504, "body": ""},
    "524": {"status": 524, "body": "<html>A timeout occurred</html>"},
}

NEON = ConnectionKey("neon.example", 443, True, True, None, None, None)

UNREACHABLE: dict[str, BaseException] = {
    "refused": aiohttp.ClientConnectorError(NEON, OSError(111, "refused")),
    "unknown host": aiohttp.ClientConnectorDNSError(NEON, OSError(-2, "unknown")),
    "no connection in time": aiohttp.ConnectionTimeoutError(),
}


@pytest.mark.parametrize(("name", "sent"), NAMES.items())
async def test_a_name_in_a_path_is_escaped_as_one_part(wire: Wire, name: str, sent: str) -> None:
    assert build_path("roles", name, "reset_password") == f"/roles/{sent}/reset_password"
    wire.respond("DELETE", f"{DATABASES}/{sent}", status=204)
    await wire.branch.delete_database(name)
    assert wire.count("DELETE", f"{DATABASES}/{sent}") == 1
    assert wire.clock.slept == []


async def test_requests_have_the_key_json_and_a_query(wire: Wire) -> None:
    wire.respond("GET", "/projects/a%2Fb?limit=1", payload={"roles": []})
    wire.respond("POST", DATABASES, status=201, payload={"operations": []})
    wire.respond("POST", RESET, payload={"role": role(password="npg_new"), "operations": []})

    await wire.client.read(build_path("projects", "a/b"), Roles, limit="1")
    await wire.branch.request_database("shop", "user_shop")
    password = await wire.branch.reset_password("user_ana")

    wanted = {"database": {"name": "shop", "owner_name": "user_shop"}}
    assert wire.count("GET", "/projects/a%2Fb?limit=1") == 1
    assert [request["json"] for request in wire.list_requests("POST")] == [wanted, None]
    assert {request["headers"]["Authorization"] for request in wire.list_requests()} == {
        f"Bearer {KEY}"
    }
    assert {request["headers"]["Accept"] for request in wire.list_requests()} == {
        "application/json"
    }
    assert password.reveal() == "npg_new"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_redirects_are_not_followed(wire: Wire, method: str, status: int) -> None:
    wire.respond(method, BRANCH, status=status, headers={"Location": f"{API}/elsewhere"})
    wire.respond("GET", "/elsewhere", payload={"branch": {"id": "br-quiet-sea-1"}})
    with pytest.raises(ProviderRejected, match="NEON_API_URL"):
        await _send(wire, method)
    assert len(wire.list_requests()) == 1


@pytest.mark.parametrize("status", [409, 423, 429, 500, 503, 524])
@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_a_refused_change_is_not_repeated(wire: Wire, method: str, status: int) -> None:
    wire.respond(method, BRANCH, status=status, payload=problem())
    wire.respond(method, BRANCH, payload={})
    with pytest.raises(PgvendError):
        await _send(wire, method)
    assert wire.count(method, BRANCH) == 1


@pytest.mark.parametrize("answer", [{"timeout": True}, {"status": 401}, {"status": 500}])
async def test_errors_and_logs_do_not_contain_the_key(wire: Wire, answer: dict[str, Any]) -> None:
    wire.respond("POST", BRANCH, body=f"denied: Bearer {KEY}", **answer)
    with structlog.testing.capture_logs() as logs, pytest.raises(PgvendError) as caught:
        await _send(wire, "POST")
    assert KEY not in f"{_format_chain(caught.value)} {logs} {wire.client!r}"


async def test_responses_and_errors_do_not_show_a_password(wire: Wire) -> None:
    for operations in ([operation()], 5):
        answer = {"role": role(password="npg_hidden"), "operations": operations}
        wire.respond("POST", ROLES, status=201, payload=answer)

    assert "npg_hidden" not in repr(await wire.branch.request_role("user_ana"))
    with pytest.raises(OutcomeUnknown) as caught:
        await wire.branch.request_role("user_ana")
    assert "npg_hidden" not in _format_chain(caught.value)


@pytest.mark.parametrize("answer", LOST.values(), ids=list(LOST))
async def test_without_a_response_a_changes_outcome_is_unknown(
    wire: Wire, answer: dict[str, Any]
) -> None:
    wire.respond("GET", ROLES, **answer)
    wire.respond("POST", DATABASES, **answer)
    with pytest.raises(ProviderBusy):
        await wire.branch.list_roles()
    with pytest.raises(OutcomeUnknown):
        await wire.branch.request_database("shop", "user_shop")


@pytest.mark.parametrize("status", [200, 201])
async def test_a_success_that_lacks_a_field_is_unknown(wire: Wire, status: int) -> None:
    wire.respond("POST", ROLES, status=status, payload={"operations": []})
    wire.respond("POST", RESET, status=status, payload={"role": role(), "operations": []})
    with pytest.raises(OutcomeUnknown):
        await wire.branch.request_role("user_ana")
    with pytest.raises(OutcomeUnknown):
        await wire.branch.reset_password("user_ana")


@pytest.mark.parametrize("error", UNREACHABLE.values(), ids=list(UNREACHABLE))
async def test_a_change_that_was_not_sent_did_not_happen(wire: Wire, error: BaseException) -> None:
    wire.respond("POST", DATABASES, exception=error)
    with pytest.raises(ProviderBusy, match="NEON_API_URL"):
        await wire.branch.request_database("shop", "user_shop")


async def test_unknown_fields_nulls_and_states_are_accepted(wire: Wire) -> None:
    extended = role(authentication_method="telepathy", moods=["new"])
    unknown = operation("reticulating", action="polish_compute")
    wire.respond("GET", ROLES, payload={"roles": [extended], "annotations": {}})
    wire.respond("GET", "/projects", payload={"projects": [], "pagination": {"cursor": None}})
    wire.respond("GET", "/operations", payload={"operation": unknown})

    [found] = (await wire.client.read(ROLES, Roles)).roles
    cursor = (await wire.client.read("/projects", Projects)).pagination.cursor
    unfinished = (await wire.client.read("/operations", OperationResponse)).operation

    assert (found.name, cursor) == ("user_ana", "")
    assert (unfinished.status, unfinished.action) == ("reticulating", "polish_compute")


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_cancelled_change_completes_and_a_cancelled_read_does_not(
    wire: Wire, method: str
) -> None:
    started, proceed, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def reply(_: object, **__: object) -> None:
        started.set()
        await proceed.wait()
        ended.set()

    wire.respond(method, BRANCH, callback=reply)
    call = asyncio.ensure_future(_send(wire, method))
    await started.wait()
    call.cancel()
    if method == "POST":
        proceed.set()
    with pytest.raises(asyncio.CancelledError):
        await call

    assert ended.is_set() == (method == "POST")


async def test_a_change_cancelled_before_its_turn_is_not_sent(wire: Wire) -> None:
    wire.respond("POST", BRANCH, payload={})
    patient = replace(wire.client, budget=Budget(StoppedClock(), burst=0))
    change = asyncio.ensure_future(patient.write("POST", BRANCH, Accepted))
    await asyncio.sleep(0)

    change.cancel()
    with pytest.raises(asyncio.CancelledError):
        await change

    assert wire.list_requests() == []


class StoppedClock(FakeClock):
    """A clock whose sleeps never end."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.Event().wait()


async def _send(wire: Wire, method: str) -> object:
    if method == "GET":
        return await wire.client.read(BRANCH, BranchResponse)
    return await wire.client.write(method, BRANCH, Accepted)


def _format_chain(error: BaseException | None) -> str:
    """Return the texts of an error and its causes, as in a traceback."""
    text = ""
    while error:
        text += f"{error!r} {error} "
        error = error.__cause__ or error.__context__
    return text


async def test_a_trace_is_continued_at_neon(wire: Wire) -> None:
    wire.respond("GET", ROLES, payload={"roles": []})
    wire.respond("POST", DATABASES, payload={"operations": []}, status=201)
    with recording_spans() as spans:
        client = replace(wire.client, trace_request=spans.tracing.trace_outgoing)
        with spans.tracing.trace_use_case("CreateDatabase"):
            await client.read(ROLES, Roles)
            await client.write("POST", DATABASES, Accepted, {})

    sent = [request["headers"]["traceparent"] for request in wire.list_requests()]
    assert sent == [format_traceparent(spans.find(method)) for method in ("GET", "POST")]
    assert {spans.tree()[method] for method in ("GET", "POST")} == {"CreateDatabase"}
    assert dict(spans.find("POST").attributes or {}) == {
        "http.request.method": "POST",
        "server.address": "neon.example",
        "url.path": DATABASES,
    }


async def test_outside_of_a_trace_neon_is_sent_none(wire: Wire) -> None:
    wire.respond("GET", ROLES, payload={"roles": []})
    with recording_spans() as spans:
        client = replace(wire.client, trace_request=spans.tracing.trace_outgoing)
        await client.read(ROLES, Roles)
    assert spans.list() == []
    assert "traceparent" not in wire.list_requests()[0]["headers"]


async def test_a_refusal_of_neon_is_recorded_without_its_text(wire: Wire) -> None:
    wire.respond("GET", ROLES, status=423, payload=problem("hunter2"))
    with recording_spans() as spans:
        client = replace(wire.client, trace_request=spans.tracing.trace_outgoing)
        with spans.tracing.trace_use_case("x"), pytest.raises(PgvendError):
            await client.read(ROLES, Roles)
    assert (spans.find("GET").attributes or {})["error.type"] == "provider_locked"
    assert "hunter2" not in spans.find("GET").to_json()
