"""Handlers of `/v1/extensions` and `/v1/databases/{id}/extensions`."""

from aiohttp import web

from entrypoints.http.api.context import USE_CASES
from entrypoints.http.api.headers import format_etag
from entrypoints.http.api.json_bodies import json_response, read_body
from entrypoints.http.api.schemas.databases import DatabaseResponse
from entrypoints.http.api.schemas.extensions import AddExtensionRequest, ExtensionListResponse
from entrypoints.http.callers import get_caller


async def list_(request: web.Request) -> web.Response:
    return json_response(
        ExtensionListResponse.from_domain(await request.app[USE_CASES].list_extensions())
    )


async def add(request: web.Request) -> web.Response:
    body = await read_body(AddExtensionRequest, request)
    add_extension = request.app[USE_CASES].add_extension
    database = await add_extension(request.match_info["id"], body.name, get_caller(request))
    return json_response(DatabaseResponse.from_domain(database), headers=format_etag(database))
