"""Neon's refusals in our words: one table, at the adapter's edge.

What may be repeated: 423 and 503 always, by Neon's own description; after any other 5xx, and where
no answer came, a change may have been made.
"""

import re
from collections.abc import Mapping

from pydantic import ValidationError

from adapters.neon.wire import Problem
from domain.errors import (
    OutcomeUnknown,
    PgvendError,
    ProviderBusy,
    ProviderFull,
    ProviderLocked,
    ProviderRejected,
    Unavailable,
)

PAUSE = 2.0
"""Seconds to leave Neon alone after a 429 that does not say for how long."""

Lost = type[ProviderBusy] | type[OutcomeUnknown]
"""What a missing answer means: that nothing happened (reads), or that nobody knows (writes)."""

AT_A_LIMIT = "The Neon project or account is at one of its limits."

NO_ANSWER = "Neon did not answer, or not in words that can be understood."


class NotVisible(ProviderRejected):
    """Neon shows no such project or branch to this key."""


class AlreadyThere(ProviderRejected):
    """Something of that name exists, whoever made it."""


class NotFitting(ProviderRejected):
    """What is wanted does not fit what is there."""


class NotPossible(ProviderRejected):
    """Something that this needs is missing in the project."""


_BY_STATUS: Mapping[int, tuple[type[ProviderBusy | ProviderRejected], str]] = {
    401: (ProviderRejected, "Neon refuses the key; check NEON_API_KEY."),
    403: (NotVisible, "Neon lets this key not do that; check what NEON_API_KEY may see."),
    404: (
        NotVisible,
        "Neon shows no such project or branch to this key; check NEON_PROJECT_ID, "
        "NEON_BRANCH_ID and what NEON_API_KEY may see.",
    ),
    409: (AlreadyThere, "Something of that name exists in the Neon project."),
    412: (
        NotPossible,
        "The Neon project lacks what this needs: a read-write compute on the branch, or stored "
        "passwords.",
    ),
    422: (NotFitting, "Neon refuses that as things stand on the branch."),
    423: (
        ProviderLocked,
        "The Neon project is locked by another operation; if it stays so, check its quotas.",
    ),
    429: (ProviderBusy, "Neon's budget of requests is used up for the moment."),
    503: (ProviderBusy, "Neon is not available for the moment."),
}

_BY_WORDS: tuple[tuple[str, type[Unavailable], str], ...] = (
    # `code` is mostly empty, and then the message is all there is
    ("EXCEEDED", ProviderFull, AT_A_LIMIT),
    ("limit of", ProviderFull, AT_A_LIMIT),
    ("not ready yet", ProviderBusy, "The Neon branch is not ready yet."),
    ("owner not found", ProviderBusy, "Neon does not know the new role yet."),
)


def refusal(
    status: int, body: bytes, request_id: str, retry_after: float | None, lost: Lost
) -> PgvendError:
    """The error for an answer that is no success; its text tells Neon's id of the request."""
    problem = _problem(body)
    kind, text = _meaning(status, problem, lost)
    message = text + _mention(problem.request_id or request_id)
    return _built(kind, message, retry_after)


def _meaning(status: int, problem: Problem, lost: Lost) -> tuple[type[PgvendError], str]:
    if 400 <= status < 500 and status != 429:
        for words, kind, text in _BY_WORDS:
            if words in problem.code or words in problem.message:
                return kind, text
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500:
        return lost, f"Neon failed (HTTP {status})."
    if status < 400:
        return ProviderRejected, f"Neon is elsewhere (HTTP {status}); check NEON_API_URL."
    return ProviderRejected, f"Neon refuses (HTTP {status})."


def _built(kind: type[PgvendError], message: str, retry_after: float | None) -> PgvendError:
    if issubclass(kind, Unavailable):
        return kind(message, retry_after=retry_after)
    return kind(message)


def _problem(body: bytes) -> Problem:
    try:
        return Problem.model_validate_json(body)
    except ValidationError:  # Cloudflare answers in HTML
        return Problem()


def _mention(request_id: str) -> str:
    is_one = re.fullmatch(r"[0-9A-Za-z-]{8,64}", request_id)
    return f" Neon's request id is {request_id}." if is_one else ""
