"""Handlers that show the connection of a database, rotate its password and restore it."""

from aiohttp import web

from entrypoints.formats import choose_format
from entrypoints.http.api.context import AUDIT_EVENT, USE_CASES, get_caller
from entrypoints.http.api.handles import find_database_id
from entrypoints.http.api.headers import format_etag, format_verified
from entrypoints.http.api.json_bodies import JSON, json_response, read_body
from entrypoints.http.api.query_values import parse_flag
from entrypoints.http.api.schemas.connections import RevealedConnectionResponse
from entrypoints.http.api.schemas.databases import (
    DatabaseWithConnectionResponse,
    DatabaseWithNewPasswordResponse,
    RestoreDatabaseRequest,
    RotatePasswordRequest,
)


async def show_connection(request: web.Request) -> web.Response:
    accept = ", ".join(request.headers.getall("Accept", []))  # the header may be repeated
    form = choose_format(request.query.get("format"), accept)
    provisioned = await request.app[USE_CASES].show_connection(
        await find_database_id(request), get_caller(request), verify=parse_flag(request, "verify")
    )
    form.check(provisioned.connection)
    headers = (
        format_etag(provisioned.database)
        | format_verified(provisioned.verified)
        | {"Vary": "Accept"}
    )
    if form.media_type == JSON:
        return json_response(
            RevealedConnectionResponse.from_provisioned(provisioned), headers=headers
        )
    return web.Response(
        text=form.render(provisioned.connection), content_type=form.media_type, headers=headers
    )


async def rotate_password(request: web.Request) -> web.Response:
    body = await read_body(RotatePasswordRequest, request, optional=True)
    rotated = await request.app[USE_CASES].rotate(
        await find_database_id(request),
        get_caller(request),
        end_sessions=body.end_sessions,
        event=request[AUDIT_EVENT],
    )
    return json_response(
        DatabaseWithNewPasswordResponse.from_provisioned(rotated),
        headers=format_etag(rotated.database),
    )


async def restore_database(request: web.Request) -> web.Response:
    body = await read_body(RestoreDatabaseRequest, request, optional=True)
    restore = request.app[USE_CASES].restore
    restored = await restore(
        await find_database_id(request), body.parse_ttl(), get_caller(request), request[AUDIT_EVENT]
    )
    return json_response(
        DatabaseWithConnectionResponse.from_provisioned(restored),
        headers=format_etag(restored.database),
    )
