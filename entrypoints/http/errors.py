"""Errors as problem details (RFC 9457): one table, one middleware."""

import json
import math
from collections.abc import Mapping
from http import HTTPStatus

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from domain.errors import (
    Conflict,
    DatabaseNotFound,
    InFlight,
    InvalidRequest,
    PgvendError,
    PreconditionFailed,
    ProviderFull,
    ProviderRejected,
    Unavailable,
)
from entrypoints.formats import NotAcceptable
from entrypoints.http.keys import REQUEST_ID

RETRY_AFTER = 5
RETRY_AFTER_FULL = 60
RETRY_AFTER_IN_FLIGHT = 1
"""Seconds that callers are asked to wait when nobody said how long it will take."""


class MalformedBody(PgvendError):
    """The body is not JSON."""

    code = "malformed_body"


class SlowBody(PgvendError):
    """The body did not arrive in time; send it again."""

    code = "request_timeout"
    retryable = True


class UnsupportedMediaType(PgvendError):
    """The body is not declared as JSON."""

    code = "unsupported_media_type"


_STATUS: Mapping[type[PgvendError], int] = {
    # an error has the status of the nearest of its classes
    MalformedBody: 400,
    DatabaseNotFound: 404,
    NotAcceptable: 406,
    SlowBody: 408,
    Conflict: 409,
    PreconditionFailed: 412,
    UnsupportedMediaType: 415,
    InvalidRequest: 422,
    PgvendError: 500,
    ProviderRejected: 502,
    Unavailable: 503,
}

_CODES = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every error leaves as a problem; nothing of an unknown one but its request id."""
    try:
        return await handler(request)
    except PgvendError as error:
        return _of_error(request, error)
    except web.HTTPException as error:
        return _of_http(request, error)
    except Exception:
        structlog.get_logger().exception("http.crashed")
        return _problem(request, 500, "internal_error", "The service failed; the log says why.")


def _of_error(request: web.Request, error: PgvendError) -> web.Response:
    status = next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)
    return _problem(
        request, status, error.code, str(error), retryable=error.retryable, headers=_waiting(error)
    )


def _waiting(error: PgvendError) -> Mapping[str, str]:
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


def _of_http(request: web.Request, error: web.HTTPException) -> web.StreamResponse:
    if error.status < 400:
        return error
    code = _CODES.get(error.status, "http_error")
    allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    return _problem(request, error.status, code, _explained(request, error), headers=allow)


def _explained(request: web.Request, error: web.HTTPException) -> str:
    if isinstance(error, web.HTTPMethodNotAllowed):
        return f"{error.method} is not allowed here; use {error.headers['Allow']}."
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return f"The body is too large; send at most {request.client_max_size} bytes."
    if isinstance(error, web.HTTPNotFound):
        return "There is nothing at this address."
    return HTTPStatus(error.status).phrase


def _problem(
    request: web.Request,
    status: int,
    code: str,
    detail: str,
    *,
    retryable: bool = False,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    body = {
        "type": f"urn:pgvend:problem:{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "detail": detail,
        "code": code,
        "retryable": retryable,
        "request_id": request[REQUEST_ID],
    }
    return web.Response(
        text=json.dumps(body),
        status=status,
        headers=headers,
        content_type="application/problem+json",
    )
