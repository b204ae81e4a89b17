"""Handlers that rotate the password of a database and restore an expired one."""

from aiohttp import web

from entrypoints.http.api.context import USE_CASES
from entrypoints.http.api.headers import format_etag
from entrypoints.http.api.json_bodies import json_response, read_body
from entrypoints.http.api.schemas.databases import (
    DatabaseWithConnectionResponse,
    DatabaseWithNewPasswordResponse,
    RestoreDatabaseRequest,
    RotatePasswordRequest,
)
from entrypoints.http.callers import get_caller


async def rotate(request: web.Request) -> web.Response:
    body = await read_body(RotatePasswordRequest, request, optional=True)
    rotated = await request.app[USE_CASES].rotate(
        request.match_info["id"], get_caller(request), end_sessions=body.end_sessions
    )
    return json_response(
        DatabaseWithNewPasswordResponse.from_provisioned(rotated),
        headers=format_etag(rotated.database),
    )


async def restore(request: web.Request) -> web.Response:
    body = await read_body(RestoreDatabaseRequest, request, optional=True)
    restore = request.app[USE_CASES].restore
    restored = await restore(request.match_info["id"], body.parse_ttl(), get_caller(request))
    return json_response(
        DatabaseWithConnectionResponse.from_provisioned(restored),
        headers=format_etag(restored.database),
    )
