"""Translation of Neon's error responses into domain errors: one table for the adapter.

423 and 503 are always safe to retry, according to Neon's API description. After any other 5xx, or
without a response, the change may have been made.
"""

import re
from collections.abc import Mapping

from pydantic import ValidationError

from adapters.neon.api_models import Problem
from domain.errors import (
    OutcomeUnknown,
    PgvendError,
    ProviderBusy,
    ProviderFull,
    ProviderLocked,
    ProviderRejected,
    Unavailable,
)

DEFAULT_PAUSE = 2.0
"""Seconds to pause after a 429 without a Retry-After header."""

LostResponseError = type[ProviderBusy] | type[OutcomeUnknown]
"""The error for a missing response: nothing happened (reads), or the outcome is unknown
(writes)."""

LIMIT_REACHED = "The Neon project or account reached a limit: delete databases, or change the plan."

NO_RESPONSE = "Neon did not respond, or its response is not valid; retry the request."


class NotVisible(ProviderRejected):
    """The API key cannot see the project or branch, or it does not exist."""


class AlreadyExists(ProviderRejected):
    """An object of that name exists, created by pgvend or by another client."""


class Unprocessable(ProviderRejected):
    """The request conflicts with the state of the branch."""


class RequirementMissing(ProviderRejected):
    """The project lacks something that the request needs."""


_BY_STATUS: Mapping[int, tuple[type[ProviderBusy | ProviderRejected], str]] = {
    401: (ProviderRejected, "Neon rejects the API key; check NEON_API_KEY."),
    403: (NotVisible, "Neon denies access; check the permissions of NEON_API_KEY."),
    404: (
        NotVisible,
        "The Neon project or branch does not exist, or the API key cannot see it; check "
        "NEON_PROJECT_ID, NEON_BRANCH_ID and the permissions of NEON_API_KEY.",
    ),
    409: (AlreadyExists, "An object of that name already exists in the Neon project."),
    412: (
        RequirementMissing,
        "The Neon project lacks a requirement: a read-write compute on the branch, or stored "
        "passwords.",
    ),
    422: (Unprocessable, "Neon refuses the request in the branch's current state."),
    423: (
        ProviderLocked,
        "The Neon project is locked by another operation; if it stays locked, check its quotas.",
    ),
    429: (ProviderBusy, "Neon's request limit is reached; retry later."),
    503: (ProviderBusy, "Neon is temporarily not available; retry later."),
}

_BY_MESSAGE: tuple[tuple[str, type[Unavailable], str], ...] = (
    # Neon usually leaves `code` empty: the message is the only clue then
    ("EXCEEDED", ProviderFull, LIMIT_REACHED),
    ("limit of", ProviderFull, LIMIT_REACHED),
    ("not ready yet", ProviderBusy, "The Neon branch is not ready yet; retry the request."),
    ("owner not found", ProviderBusy, "The new role is not yet visible on the Neon branch; retry."),
)


def error_from_response(
    status: int,
    body: bytes,
    request_id: str,
    retry_after: float | None,
    lost_error: LostResponseError,
) -> PgvendError:
    """Return the error for an unsuccessful response; its message has Neon's request id."""
    problem = _parse_problem(body)
    kind, text = _classify(status, problem, lost_error)
    message = text + _format_request_id(problem.request_id or request_id)
    return _build_error(kind, message, retry_after)


def _classify(
    status: int, problem: Problem, lost_error: LostResponseError
) -> tuple[type[PgvendError], str]:
    if 400 <= status < 500 and status != 429:
        for words, kind, text in _BY_MESSAGE:
            if words in problem.code or words in problem.message:
                return kind, text
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500:
        return lost_error, f"Neon failed (HTTP {status}); retry the request."
    if status < 400:
        return ProviderRejected, f"Neon redirects (HTTP {status}); check NEON_API_URL."
    return ProviderRejected, f"Neon refuses the request (HTTP {status})."


def _build_error(kind: type[PgvendError], message: str, retry_after: float | None) -> PgvendError:
    if issubclass(kind, Unavailable):
        return kind(message, retry_after=retry_after)
    return kind(message)


def _parse_problem(body: bytes) -> Problem:
    try:
        return Problem.model_validate_json(body)
    except ValidationError:  # Cloudflare responds in HTML
        return Problem()


def _format_request_id(request_id: str) -> str:
    is_valid = re.fullmatch(r"[0-9A-Za-z-]{8,64}", request_id)
    return f" Neon's request id is {request_id}." if is_valid else ""
