"""Middleware for every request: id, record, API key check, errors in Neon's format.

`EMULATOR` and `REQUEST_ID` are keys of values in the application and in a request.
"""

import uuid

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from entrypoints.neon_emulator.errors import ApiError, Unauthorized
from entrypoints.neon_emulator.state.emulator import Emulator

API = "/api/v2"

EMULATOR = web.AppKey("EMULATOR", Emulator)
REQUEST_ID = web.RequestKey("request_id", str)

MAX_PATH = 500
"""Characters of a path that are recorded."""

REQUEST_ID_HEADER = "x-neon-ret-request-id"


@web.middleware
async def add_request_id(request: web.Request, handler: Handler) -> web.StreamResponse:
    request[REQUEST_ID] = request.headers.get("X-Request-ID") or str(uuid.uuid4())
    response = await handler(request)
    response.headers[REQUEST_ID_HEADER] = request[REQUEST_ID]
    return response


@web.middleware
async def record_exchange(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Record each API request; status 0 means that the client disconnected before the response."""
    response = await handler(request)
    if request.path.startswith(API):
        status = 0 if is_disconnected(request) else response.status
        path = request.rel_url.raw_path[:MAX_PATH]
        request.app[EMULATOR].exchanges.append((request.method, path, status))
    return response


@web.middleware
async def render_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        return _render_error(request, error)
    except web.HTTPException as error:
        return _render_error(request, ApiError(error.status, error.reason.lower()))
    except Exception:
        structlog.get_logger().exception("neon_emulator.request_failed")
        return _render_error(request, ApiError(500, "internal error"))


@web.middleware
async def check_key(request: web.Request, handler: Handler) -> web.StreamResponse:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not request.app[EMULATOR].is_valid_key(key.strip()):
        raise Unauthorized
    return await handler(request)


def is_disconnected(request: web.Request) -> bool:
    """Return whether the client has disconnected."""
    return request.transport is None or request.transport.is_closing()


def _render_error(request: web.Request, error: ApiError) -> web.Response:
    body = {"request_id": request[REQUEST_ID], "code": error.code, "message": error.message}
    return web.json_response(body, status=error.status, headers=error.headers)
