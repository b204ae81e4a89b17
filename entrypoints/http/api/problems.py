"""Errors as problem details (RFC 9457): one table and one middleware."""

import json
import math
from collections.abc import Mapping
from http import HTTPStatus

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, Field

from domain.errors import (
    Conflict,
    DatabaseNotFound,
    DeliveryFailed,
    Forbidden,
    InFlight,
    InvalidRequest,
    KeyNotFound,
    PgvendError,
    PreconditionFailed,
    ProviderFull,
    ProviderRejected,
    QuotaReached,
    RateLimited,
    Unauthenticated,
    Unavailable,
    WebhookNotFound,
)
from entrypoints.formats import NotAcceptable
from entrypoints.http.api.context import REQUEST_ID
from entrypoints.http.api.headers import format_quota_headers, format_rate_headers

RETRY_AFTER = 5
RETRY_AFTER_FULL = 60
RETRY_AFTER_IN_FLIGHT = 1
"""Seconds to wait before a retry, for errors that do not say how long."""


class Problem(BaseModel):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str = Field(description="Stable across releases.")
    retryable: bool = Field(description="True if the same request may succeed later.")
    request_id: str = Field(description="The id of the request in the log.")


class MalformedBody(PgvendError):
    """The body is not JSON."""

    code = "malformed_body"


class SlowBody(PgvendError):
    """The body did not arrive in time; send it again."""

    code = "request_timeout"
    retryable = True


class Misdirected(PgvendError):
    """Without keys, pgvend only answers to names of this machine, such as localhost."""

    code = "misdirected_request"


class UnsupportedMediaType(PgvendError):
    """The Content-Type of the body is not application/json."""

    code = "unsupported_media_type"


_STATUS: Mapping[type[PgvendError], int] = {
    # the status of an error is that of its most specific class
    MalformedBody: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    DatabaseNotFound: 404,
    KeyNotFound: 404,
    WebhookNotFound: 404,
    NotAcceptable: 406,
    SlowBody: 408,
    Conflict: 409,
    PreconditionFailed: 412,
    UnsupportedMediaType: 415,
    Misdirected: 421,
    InvalidRequest: 422,
    QuotaReached: 429,
    RateLimited: 429,
    PgvendError: 500,
    ProviderRejected: 502,
    DeliveryFailed: 502,
    Unavailable: 503,
}

CODES = {
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    417: "expectation_failed",
}
HTTP_ERROR = "http_error"
INTERNAL_ERROR = "internal_error"


@web.middleware
async def render_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every error as a problem. Unknown errors show only the request id."""
    try:
        return await handler(request)
    except PgvendError as error:
        return _problem_from_error(request, error)
    except web.HTTPException as error:
        return _problem_from_http_error(request, error)
    except Exception:
        structlog.get_logger().exception("http.crashed")
        return create_problem(request, 500, INTERNAL_ERROR, "The service failed: see its log.")


def find_status(error: type[PgvendError]) -> int:
    """Return the HTTP status of this error class."""
    return next(_STATUS[kind] for kind in error.__mro__ if kind in _STATUS)


def _problem_from_error(request: web.Request, error: PgvendError) -> web.Response:
    return create_problem(
        request,
        find_status(type(error)),
        error.code,
        str(error),
        retryable=error.retryable,
        headers={**_retry_after_from_error(error), **_headers_from_error(error)},
    )


def _retry_after_from_error(error: PgvendError) -> Mapping[str, str]:
    match error:
        case InFlight():
            seconds: float = RETRY_AFTER_IN_FLIGHT
        case ProviderFull():
            seconds = error.retry_after or RETRY_AFTER_FULL
        case Unavailable():
            seconds = error.retry_after or RETRY_AFTER
        case _:
            return {}
    return {"Retry-After": str(math.ceil(seconds))}


def _headers_from_error(error: PgvendError) -> Mapping[str, str]:
    match error:
        case Unauthenticated():
            return {"WWW-Authenticate": "Bearer"}
        case RateLimited():
            return format_rate_headers(error.amount, error.seconds, 0, error.retry_after or 0)
        case QuotaReached():
            return format_quota_headers(error.quota)
    return {}


def _problem_from_http_error(request: web.Request, error: web.HTTPException) -> web.StreamResponse:
    if error.status < 400:
        return error
    code = CODES.get(error.status, HTTP_ERROR)
    allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    return create_problem(request, error.status, code, _explain(request, error), headers=allow)


def _explain(request: web.Request, error: web.HTTPException) -> str:
    if isinstance(error, web.HTTPMethodNotAllowed):
        return f"{error.method} is not allowed here; use {error.headers['Allow']}."
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return f"The body is too large; send at most {request.client_max_size} bytes."
    if isinstance(error, web.HTTPNotFound):
        return "No resource exists at this address."
    return HTTPStatus(error.status).phrase


def create_problem(
    request: web.BaseRequest,
    status: int,
    code: str,
    detail: str,
    *,
    retryable: bool = False,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    body = Problem(
        type=f"urn:pgvend:problem:{code}",
        title=code.replace("_", " ").capitalize(),
        status=status,
        detail=detail,
        code=code,
        retryable=retryable,
        request_id=request[REQUEST_ID],
    )
    return web.Response(
        text=json.dumps(body.model_dump()),  # plain ASCII for any detail
        status=status,
        headers=headers,
        content_type="application/problem+json",
    )
