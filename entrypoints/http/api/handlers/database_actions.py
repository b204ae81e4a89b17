"""Handlers that rotate the password of a database and restore an expired one."""

from aiohttp import web

from entrypoints.http.api.context import USE_CASES
from entrypoints.http.api.headers import etag
from entrypoints.http.api.json_bodies import body_as, json_response
from entrypoints.http.api.schemas.databases import (
    DatabaseWithConnectionResponse,
    DatabaseWithNewPasswordResponse,
    RestoreDatabaseRequest,
    RotatePasswordRequest,
)
from entrypoints.http.callers import caller_of


async def rotate(request: web.Request) -> web.Response:
    body = await body_as(RotatePasswordRequest, request, optional=True)
    rotated = await request.app[USE_CASES].rotate(
        request.match_info["id"], caller_of(request), end_sessions=body.end_sessions
    )
    return json_response(
        DatabaseWithNewPasswordResponse.handed_out(rotated), headers=etag(rotated.database)
    )


async def restore(request: web.Request) -> web.Response:
    body = await body_as(RestoreDatabaseRequest, request, optional=True)
    restore = request.app[USE_CASES].restore
    restored = await restore(request.match_info["id"], body.duration(), caller_of(request))
    return json_response(
        DatabaseWithConnectionResponse.handed_out(restored), headers=etag(restored.database)
    )
