"""Neon's refusals in our words: every row of the table."""

from typing import Any

import pytest

from adapters.neon.errors import PAUSE, AlreadyThere, NotFitting, NotPossible, NotVisible
from domain.errors import (
    OutcomeUnknown,
    PgvendError,
    ProviderBusy,
    ProviderFull,
    ProviderLocked,
    ProviderRejected,
    Unavailable,
)
from tests.support.neon.wire import BRANCH, Wire, problem

PAGE = "<html><body>Cloudflare</body></html>"
REQUEST_ID = "6f9b0d1e-6a3c-4f8e-9d2b-0a1b2c3d4e5f"

STATUSES: dict[int, type[PgvendError]] = {
    400: ProviderRejected,
    401: ProviderRejected,
    403: NotVisible,
    404: NotVisible,
    406: ProviderRejected,
    409: AlreadyThere,
    412: NotPossible,
    422: NotFitting,
    423: ProviderLocked,
    429: ProviderBusy,
    500: OutcomeUnknown,
    501: OutcomeUnknown,
    502: OutcomeUnknown,
    503: ProviderBusy,
    504: OutcomeUnknown,
    520: OutcomeUnknown,
    524: OutcomeUnknown,
}

LOCKED = (
    "project already has running conflicting operations, scheduling of new ones is prohibited",
    "project already has running operations, scheduling of new ones is prohibited",
    "endpoint is in some transitive state, could not suspend",
)

WORDS = [
    (422, "", "user projects limit of 1 exceeded, got 1", ProviderFull),
    (422, "PROJECTS_LIMIT_EXCEEDED", "", ProviderFull),
    (422, "ROLES_LIMIT_EXCEEDED", "no", ProviderFull),
    (422, "DATABASES_LIMIT_EXCEEDED", "no", ProviderFull),
    (423, "COMPUTE_TIME_EXCEEDED", "", ProviderFull),
    (422, "", "branch not ready yet", ProviderBusy),
    (422, "", 'database owner not found; role_name:"user_ana"', ProviderBusy),
    (409, "DATABASE_ALREADY_EXISTS", 'database already exists; database_name:"x"', AlreadyThere),
]


@pytest.mark.parametrize("body", ["", PAGE, "{}", "null", '{"code": "", "message": "no"}'])
@pytest.mark.parametrize(("status", "kind"), STATUSES.items())
async def test_a_status_decides_whatever_the_body_is(
    wire: Wire, status: int, kind: type[PgvendError], body: str
) -> None:
    error = await _refused(wire, status=status, body=body)

    assert type(error) is kind


@pytest.mark.parametrize("message", LOCKED)
async def test_a_locked_project_is_known_by_its_status(wire: Wire, message: str) -> None:
    error = await _refused(wire, status=423, payload=problem(message))

    assert isinstance(error, ProviderLocked)


@pytest.mark.parametrize(("status", "code", "message", "kind"), WORDS)
async def test_words_tell_what_the_status_does_not(
    wire: Wire, status: int, code: str, message: str, kind: type[PgvendError]
) -> None:
    error = await _refused(wire, status=status, payload=problem(message, code))

    assert type(error) is kind


@pytest.mark.parametrize(
    ("code", "message"), [("RATE_LIMIT_EXCEEDED", ""), ("", "rate limit of 700 requests exceeded")]
)
async def test_too_many_requests_do_not_fill_the_project(
    wire: Wire, code: str, message: str
) -> None:
    error = await _refused(wire, status=429, payload=problem(message, code))

    assert type(error) is ProviderBusy


async def test_words_do_not_make_a_server_error_certain(wire: Wire) -> None:
    error = await _refused(wire, status=500, payload=problem("hit a limit of 3 attempts"))

    assert type(error) is OutcomeUnknown


@pytest.mark.parametrize("status", STATUSES)
async def test_neon_s_own_words_are_not_passed_on(wire: Wire, status: int) -> None:
    error = await _refused(wire, status=status, payload=problem("see postgresql://ana:pw@host/db"))

    assert "postgresql://" not in str(error)
    assert "pw" not in str(error)


@pytest.mark.parametrize("status", STATUSES)
async def test_an_error_tells_neon_s_id_of_the_request(wire: Wire, status: int) -> None:
    error = await _refused(wire, status=status, payload=problem(request_id=REQUEST_ID))

    assert REQUEST_ID in str(error)


async def test_an_id_that_only_the_header_tells_is_told_too(wire: Wire) -> None:
    headers = {"x-neon-ret-request-id": REQUEST_ID}
    error = await _refused(wire, status=500, body="<html>", headers=headers)

    assert REQUEST_ID in str(error)


async def test_what_is_null_in_an_error_does_not_hide_the_rest(wire: Wire) -> None:
    answer = {"request_id": None, "code": None, "message": "branch not ready yet"}

    assert type(await _refused(wire, status=422, payload=answer)) is ProviderBusy


@pytest.mark.parametrize("request_id", ["", "<b>id</b>", "x" * 65, "a b c d e f g h"])
async def test_an_id_that_looks_like_none_is_left_out(wire: Wire, request_id: str) -> None:
    error = await _refused(wire, status=500, payload=problem(request_id=request_id))

    assert str(error) == "Neon failed (HTTP 500)."


@pytest.mark.parametrize("status", [423, 429, 500, 503])
async def test_an_error_tells_how_long_neon_asks_to_wait(wire: Wire, status: int) -> None:
    error = await _refused(wire, status=status, headers={"Retry-After": "7"})

    assert isinstance(error, Unavailable)
    assert error.retry_after == 7


async def test_too_many_requests_ask_for_a_pause_even_without_a_word_of_it(wire: Wire) -> None:
    error = await _refused(wire, status=429)

    assert isinstance(error, ProviderBusy)
    assert error.retry_after == PAUSE


@pytest.mark.parametrize("status", [423, 503])
async def test_others_ask_for_none(wire: Wire, status: int) -> None:
    error = await _refused(wire, status=status)

    assert isinstance(error, ProviderBusy)
    assert error.retry_after is None


@pytest.mark.parametrize(
    ("status", "mend"), [(401, "NEON_API_KEY"), (403, "NEON_API_KEY"), (404, "NEON_PROJECT_ID")]
)
async def test_a_refusal_that_the_operator_can_mend_names_the_variable(
    wire: Wire, status: int, mend: str
) -> None:
    assert mend in str(await _refused(wire, status=status))


async def _refused(wire: Wire, **answer: Any) -> PgvendError:
    """What a change meets."""
    wire.on("POST", f"{BRANCH}/databases", **answer)
    with pytest.raises(PgvendError) as caught:
        await wire.branch.make_database("shop", "user_shop")
    return caught.value
