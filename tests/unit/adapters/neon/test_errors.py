"""Translation of Neon's error responses: every row of the table."""

from typing import Any

import pytest

from adapters.neon.errors import (
    DEFAULT_PAUSE,
    AlreadyExists,
    NotVisible,
    RequirementMissing,
    Unprocessable,
)
from domain.errors import (
    OutcomeUnknown,
    PgvendError,
    ProviderBusy,
    ProviderFull,
    ProviderLocked,
    ProviderRejected,
    Unavailable,
)
from tests.unit.adapters.neon.conftest import BRANCH, Wire, problem

BODIES = [*("", "{}", "null"), "<html>Cloudflare</html>", '{"code": "", "message": "no"}']
REQUEST_ID = "6f9b0d1e-6a3c-4f8e-9d2b-0a1b2c3d4e5f"

KINDS: dict[type[PgvendError], list[int]] = {
    ProviderRejected: [400, 401, 406],
    NotVisible: [403, 404],
    AlreadyExists: [409],
    RequirementMissing: [412],
    Unprocessable: [422],
    ProviderLocked: [423],
    ProviderBusy: [429, 503],
    OutcomeUnknown: [500, 501, 502, 504, 520, 524],
}
STATUSES = {status: kind for kind, statuses in KINDS.items() for status in statuses}

OWNERLESS = 'database owner not found; role_name:"user_ana"'
CONFLICT = (
    "project already has running conflicting operations, scheduling of new ones is prohibited"
)
RUNNING = "project already has running operations, scheduling of new ones is prohibited"

WORDS = [
    (422, problem("user projects limit of 1 exceeded, got 1"), ProviderFull),
    (422, problem(code="PROJECTS_LIMIT_EXCEEDED"), ProviderFull),
    (422, problem("no", "ROLES_LIMIT_EXCEEDED"), ProviderFull),
    (422, problem("no", "DATABASES_LIMIT_EXCEEDED"), ProviderFull),
    (423, problem(code="COMPUTE_TIME_EXCEEDED"), ProviderFull),
    (422, problem("branch not ready yet"), ProviderBusy),
    (422, {"request_id": None, "code": None, "message": "branch not ready yet"}, ProviderBusy),
    (422, problem(OWNERLESS), ProviderBusy),
    (409, problem("database already exists", "DATABASE_ALREADY_EXISTS"), AlreadyExists),
    (423, problem(CONFLICT), ProviderLocked),
    (423, problem(RUNNING), ProviderLocked),
    (423, problem("endpoint is in some transitive state, could not suspend"), ProviderLocked),
    (429, problem(code="RATE_LIMIT_EXCEEDED"), ProviderBusy),
    (429, problem("rate limit of 700 requests exceeded"), ProviderBusy),
    (500, problem("hit a limit of 3 attempts"), OutcomeUnknown),
]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize(("status", "kind"), STATUSES.items())
async def test_the_status_decides_for_any_body(
    wire: Wire, status: int, kind: type[PgvendError], body: str
) -> None:
    assert type(await _get_refusal(wire, status=status, body=body)) is kind


@pytest.mark.parametrize(("status", "payload", "kind"), WORDS)
async def test_the_code_and_message_override_the_status(
    wire: Wire, status: int, payload: dict[str, Any], kind: type[PgvendError]
) -> None:
    assert type(await _get_refusal(wire, status=status, payload=payload)) is kind


@pytest.mark.parametrize("status", STATUSES)
async def test_an_error_has_neons_request_id_but_not_its_message(wire: Wire, status: int) -> None:
    answer = problem("see postgresql://ana:pw@host/db", request_id=REQUEST_ID)
    error = str(await _get_refusal(wire, status=status, payload=answer))
    assert REQUEST_ID in error
    assert "postgresql://" not in error
    assert "pw" not in error


async def test_the_request_id_is_also_read_from_the_header(wire: Wire) -> None:
    headers = {"x-neon-ret-request-id": REQUEST_ID}
    assert REQUEST_ID in str(await _get_refusal(wire, status=500, body="<html>", headers=headers))


@pytest.mark.parametrize("request_id", ["", "<b>id</b>", "x" * 65, "a b c d e f g h"])
async def test_an_invalid_request_id_is_omitted(wire: Wire, request_id: str) -> None:
    error = await _get_refusal(wire, status=500, payload=problem(request_id=request_id))
    assert str(error) == "Neon failed (HTTP 500); retry the request."


@pytest.mark.parametrize(("status", "default"), {423: None, 429: DEFAULT_PAUSE, 503: None}.items())
async def test_an_error_has_the_pause_that_neon_requests(
    wire: Wire, status: int, default: float | None
) -> None:
    waits = [
        await _get_refusal(wire, status=status, headers={"Retry-After": "7"}),
        await _get_refusal(wire, status=500, headers={"Retry-After": "7"}),
        await _get_refusal(wire, status=status),
    ]
    assert [wait.retry_after for wait in waits if isinstance(wait, Unavailable)] == [7, 7, default]


@pytest.mark.parametrize(
    ("status", "variable"), [(401, "NEON_API_KEY"), (403, "NEON_API_KEY"), (404, "NEON_PROJECT_ID")]
)
async def test_a_refusal_names_the_setting_to_check(wire: Wire, status: int, variable: str) -> None:
    assert variable in str(await _get_refusal(wire, status=status))


async def _get_refusal(wire: Wire, **answer: Any) -> PgvendError:
    wire.respond("POST", f"{BRANCH}/databases", **answer)
    with pytest.raises(PgvendError) as caught:
        await wire.branch.request_database("shop", "user_shop")
    return caught.value
