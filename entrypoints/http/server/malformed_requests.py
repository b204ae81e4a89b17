"""Answers to malformed HTTP, which aiohttp rejects before the application sees it."""

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from entrypoints.http.api.context import REQUEST_ID
from entrypoints.http.api.headers import REQUEST_ID_HEADER
from entrypoints.http.api.problems import INTERNAL, problem
from entrypoints.http.middleware.request_log import new_request_id
from entrypoints.http.middleware.security_headers import harden


def malformed(request: web.BaseRequest, status: int, error: BaseException | None) -> web.Response:
    """Return a problem with the headers of all answers. Neither it nor the log quotes the request,
    which may contain a key."""
    request[REQUEST_ID] = new_request_id()
    response = _answer(request, status, error)
    log = structlog.get_logger().bind(request_id=request[REQUEST_ID], status=response.status)
    if isinstance(error, HttpProcessingError):
        log.info("http.malformed", address=request.remote, error=type(error).__name__)
    else:
        log.error("http.crashed", exc_info=error)
    response.headers[REQUEST_ID_HEADER] = request[REQUEST_ID]
    harden(response)
    response.force_close()
    return response


def _answer(request: web.BaseRequest, status: int, error: BaseException | None) -> web.Response:
    match error:
        case LineTooLong():
            return problem(request, 431, "head_too_large", "The address or a header is too long.")
        case HttpProcessingError():
            return problem(request, status, "malformed_request", "The request is not valid HTTP.")
    return problem(request, status, INTERNAL, "The service failed: see its log.")
