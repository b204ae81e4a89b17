"""What is done for every request: an id, a record, the key, errors in Neon's shape."""

import uuid

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from entrypoints.neon_emulator.errors import ApiError, Unauthorized
from entrypoints.neon_emulator.keys import EMULATOR, REQUEST_ID

API = "/api/v2"

LONGEST_PATH = 500
"""Characters that are remembered: anybody may send longer ones."""

REQUEST_ID_HEADER = "x-neon-ret-request-id"


@web.middleware
async def identified(request: web.Request, handler: Handler) -> web.StreamResponse:
    request[REQUEST_ID] = request.headers.get("X-Request-ID") or str(uuid.uuid4())
    response = await handler(request)
    response.headers[REQUEST_ID_HEADER] = request[REQUEST_ID]
    return response


@web.middleware
async def recorded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Status 0: the connection was gone before the answer."""
    response = await handler(request)
    if request.path.startswith(API):
        is_gone = request.transport is None or request.transport.is_closing()
        status = 0 if is_gone else response.status
        path = request.rel_url.raw_path[:LONGEST_PATH]
        request.app[EMULATOR].exchanges.append((request.method, path, status))
    return response


@web.middleware
async def with_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        return _refusal(request, error)
    except web.HTTPException as error:
        return _refusal(request, ApiError(error.status, error.reason.lower()))
    except Exception:
        structlog.get_logger().exception("neon_emulator.crashed")
        return _refusal(request, ApiError(500, "internal error"))


@web.middleware
async def authenticated(request: web.Request, handler: Handler) -> web.StreamResponse:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not request.app[EMULATOR].knows(key.strip()):
        raise Unauthorized
    return await handler(request)


def _refusal(request: web.Request, error: ApiError) -> web.Response:
    body = {"request_id": request[REQUEST_ID], "code": error.code, "message": error.message}
    return web.json_response(body, status=error.status, headers=error.headers)
