"""Request ids, and one log line per request."""

import re
import time
import uuid

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from entrypoints.http.api.context import REQUEST_ID
from entrypoints.http.api.headers import REQUEST_ID_HEADER
from entrypoints.http.api.routes.table import find_route

_ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{1,64}")

_QUIET = ("/livez", "/readyz", "/metrics", "/console/")
"""The beginnings of paths that monitoring requests every few seconds, and of the files of a page;
logged at debug level, and without traces."""


def is_quiet(request: web.Request) -> bool:
    return request.path.startswith(_QUIET)


def create_request_id() -> str:
    return uuid.uuid4().hex


@web.middleware
async def assign_request_id(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Assign an id to the request, the caller's own if it is valid, for all log lines."""
    id_of_caller = request.headers.get(REQUEST_ID_HEADER, "")
    request[REQUEST_ID] = (
        id_of_caller if _ACCEPTABLE.fullmatch(id_of_caller) else create_request_id()
    )
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request[REQUEST_ID])
    return await handler(request)


async def add_request_id_header(request: web.Request, response: web.StreamResponse) -> None:
    """Add the request id to the answer, before a stream starts."""
    response.headers[REQUEST_ID_HEADER] = request[REQUEST_ID]


@web.middleware
async def log_request(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Log the request with its status and duration."""
    start = time.perf_counter()
    response = await handler(request)
    log = structlog.get_logger()
    write = log.debug if is_quiet(request) else log.info
    ms = round((time.perf_counter() - start) * 1000, 1)
    path = request.rel_url.raw_path  # still escaped, so that callers cannot write control codes
    route = find_route(request)
    write(
        "http.request",
        action=route.name if route else "",
        method=request.method,
        path=path,
        status=response.status,
        ms=ms,
    )
    return response
