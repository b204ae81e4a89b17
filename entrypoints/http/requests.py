"""What is done for every request: an id, and one line in the log."""

import re
import time
import uuid

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from entrypoints.http.keys import REQUEST_ID
from entrypoints.http.routes import route_of

REQUEST_ID_HEADER = "X-Request-ID"

_ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{1,64}")

_QUIET = frozenset({"/livez", "/readyz"})
"""Asked for every few seconds by machines."""


def new_request_id() -> str:
    return uuid.uuid4().hex


@web.middleware
async def identified(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request an id, the caller's own if it has one: for every log line."""
    given = request.headers.get(REQUEST_ID_HEADER, "")
    request[REQUEST_ID] = given if _ACCEPTABLE.fullmatch(given) else new_request_id()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request[REQUEST_ID])
    return await handler(request)


async def labelled(request: web.Request, response: web.StreamResponse) -> None:
    """Every answer bears its request's id: put there before a stream begins."""
    response.headers[REQUEST_ID_HEADER] = request[REQUEST_ID]


@web.middleware
async def logged(request: web.Request, handler: Handler) -> web.StreamResponse:
    begin = time.perf_counter()
    response = await handler(request)
    log = structlog.get_logger()
    tell = log.debug if request.path in _QUIET else log.info
    ms = round((time.perf_counter() - begin) * 1000, 1)
    path = request.rel_url.raw_path  # still escaped: callers do not write into terminals
    route = route_of(request)
    tell(
        "http.request",
        action=route.name if route else "",
        method=request.method,
        path=path,
        status=response.status,
        ms=ms,
    )
    return response
