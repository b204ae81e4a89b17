"""Answers to malformed HTTP, which aiohttp rejects before the application sees it."""

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from entrypoints.http.api.context import REQUEST_ID
from entrypoints.http.api.headers import REQUEST_ID_HEADER
from entrypoints.http.api.problems import INTERNAL_ERROR, create_problem
from entrypoints.http.middleware.request_log import create_request_id
from entrypoints.http.middleware.security_headers import set_security_headers


def render_malformed_request(
    request: web.BaseRequest, status: int, error: BaseException | None
) -> web.Response:
    """Return a problem with the headers of all answers. Neither it nor the log quotes the request,
    which may contain a key."""
    request[REQUEST_ID] = create_request_id()
    response = _create_response(request, status, error)
    log = structlog.get_logger().bind(request_id=request[REQUEST_ID], status=response.status)
    if isinstance(error, HttpProcessingError):
        log.info("http.malformed", address=request.remote, error=type(error).__name__)
    else:
        log.error("http.crashed", exc_info=error)
    response.headers[REQUEST_ID_HEADER] = request[REQUEST_ID]
    set_security_headers(response)
    response.force_close()
    return response


def _create_response(
    request: web.BaseRequest, status: int, error: BaseException | None
) -> web.Response:
    match error:
        case LineTooLong():
            return create_problem(
                request, 431, "head_too_large", "The address or a header is too long."
            )
        case HttpProcessingError():
            return create_problem(
                request, status, "malformed_request", "The request is not valid HTTP."
            )
    return create_problem(request, status, INTERNAL_ERROR, "The service failed: see its log.")
