"""What goes over the wire: the key, paths, bodies; and what never does."""

from typing import Any

import pytest
import structlog

from adapters.neon.client import path
from adapters.neon.wire import Accepted, OneBranch, Roles
from domain.errors import OutcomeUnknown, PgvendError, ProviderRejected
from tests.unit.adapters.neon.conftest import API, BRANCH, KEY, Wire, operation, problem, role

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


async def test_sends_the_key_as_a_bearer_and_asks_for_json(wire: Wire) -> None:
    wire.on("GET", BRANCH, payload={"branch": {"id": "br-quiet-sea-1"}})

    await wire.branch.check()

    [asked] = wire.asked()
    assert asked["headers"]["Authorization"] == f"Bearer {KEY}"
    assert asked["headers"]["Accept"] == "application/json"


@pytest.mark.parametrize(("name", "sent"), NAMES.items())
async def test_sends_a_name_in_a_path_as_one_escaped_part(wire: Wire, name: str, sent: str) -> None:
    wire.on("DELETE", f"{BRANCH}/databases/{sent}", status=204)

    await wire.branch.drop_database(name)

    assert wire.count("DELETE", f"{BRANCH}/databases/{sent}") == 1


@pytest.mark.parametrize(("name", "sent"), NAMES.items())
def test_a_path_begins_at_the_base_and_keeps_its_parts_apart(name: str, sent: str) -> None:
    assert path("roles", name, "reset_password") == f"/roles/{sent}/reset_password"


async def test_a_query_does_not_unescape_the_path(wire: Wire) -> None:
    wire.on("GET", "/projects/a%2Fb?limit=1", payload={"roles": []})

    await wire.client.read(path("projects", "a/b"), Roles, limit="1")

    assert wire.count("GET", "/projects/a%2Fb?limit=1") == 1


async def test_sends_what_is_wanted_as_json(wire: Wire) -> None:
    wire.on("POST", f"{BRANCH}/databases", status=201, payload={"operations": []})

    await wire.branch.make_database("shop", "user_shop")

    [asked] = wire.asked()
    assert asked["json"] == {"database": {"name": "shop", "owner_name": "user_shop"}}


async def test_asks_for_a_reset_without_a_body(wire: Wire) -> None:
    answer = {"role": role(password="npg_new"), "operations": []}
    wire.on("POST", f"{BRANCH}/roles/user_ana/reset_password", payload=answer)

    password = await wire.branch.new_password("user_ana")

    assert wire.asked()[0]["json"] is None
    assert password.reveal() == "npg_new"


async def test_nothing_to_tell_is_an_answer(wire: Wire) -> None:
    wire.on("DELETE", f"{BRANCH}/roles/user_ana", status=204)

    await wire.branch.drop_role("user_ana")

    assert wire.clock.slept == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_goes_nowhere_else_with_the_key(wire: Wire, method: str, status: int) -> None:
    wire.on(method, BRANCH, status=status, headers={"Location": f"{API}/elsewhere"})
    wire.on("GET", "/elsewhere", payload={"branch": {"id": "br-quiet-sea-1"}})

    with pytest.raises(ProviderRejected, match="NEON_API_URL"):
        await _asked(wire, method)

    assert len(wire.asked()) == 1


@pytest.mark.parametrize("status", [409, 423, 429, 500, 503, 524])
@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_repeats_no_change_by_itself(wire: Wire, method: str, status: int) -> None:
    wire.on(method, BRANCH, status=status, payload=problem())
    wire.on(method, BRANCH, payload={})

    with pytest.raises(PgvendError):
        await _asked(wire, method)

    assert wire.count(method, BRANCH) == 1


@pytest.mark.parametrize("answer", [{"timeout": True}, {"status": 401}, {"status": 500}])
async def test_the_key_is_in_no_error_and_no_log(wire: Wire, answer: dict[str, Any]) -> None:
    wire.on("POST", BRANCH, body=f"denied: Bearer {KEY}", **answer)

    with structlog.testing.capture_logs() as logs, pytest.raises(PgvendError) as caught:
        await _asked(wire, "POST")

    assert KEY not in f"{_chain(caught.value)} {logs} {wire.client!r}"


async def test_a_password_is_in_no_error_when_its_answer_cannot_be_read(wire: Wire) -> None:
    body = '{"role": {"name": "user_ana", "password": "npg_hidden"}, "operations": 5}'
    wire.on("POST", f"{BRANCH}/roles", status=201, body=body)

    with pytest.raises(OutcomeUnknown) as caught:
        await wire.branch.order_role("user_ana")

    assert "npg_hidden" not in _chain(caught.value)


async def test_a_password_is_not_shown_with_its_answer(wire: Wire) -> None:
    answer = {"role": role(password="npg_hidden"), "operations": [operation()]}
    wire.on("POST", f"{BRANCH}/roles", status=201, payload=answer)

    assert "npg_hidden" not in repr(await wire.branch.order_role("user_ana"))


async def _asked(wire: Wire, method: str) -> object:
    if method == "GET":
        return await wire.client.read(BRANCH, OneBranch)
    return await wire.client.write(method, BRANCH, Accepted)


def _chain(error: BaseException | None) -> str:
    """All that a traceback would tell."""
    told = ""
    while error:
        told += f"{error!r} {error} "
        error = error.__cause__ or error.__context__
    return told
