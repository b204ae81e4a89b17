"""Handlers of `/v1/extensions` and `/v1/databases/{id}/extensions`."""

from aiohttp import web

from entrypoints.http.api.context import USE_CASES, get_caller
from entrypoints.http.api.handles import find_database_id
from entrypoints.http.api.headers import format_etag
from entrypoints.http.api.json_bodies import json_response, read_body
from entrypoints.http.api.schemas.databases import DatabaseResponse
from entrypoints.http.api.schemas.extensions import AddExtensionRequest, ExtensionListResponse


async def list_extensions(request: web.Request) -> web.Response:
    return json_response(
        ExtensionListResponse.from_domain(await request.app[USE_CASES].list_extensions())
    )


async def add_extension(request: web.Request) -> web.Response:
    body = await read_body(AddExtensionRequest, request)
    database = await request.app[USE_CASES].add_extension(
        await find_database_id(request), body.name, get_caller(request)
    )
    return json_response(DatabaseResponse.from_domain(database), headers=format_etag(database))
