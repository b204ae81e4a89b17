"""Handlers of `/v1/extensions` and `/v1/databases/{id}/extensions`."""

from aiohttp import web

from entrypoints.http.api.context import USE_CASES
from entrypoints.http.api.headers import etag
from entrypoints.http.api.json_bodies import body_as, json_response
from entrypoints.http.api.schemas.databases import DatabaseResponse
from entrypoints.http.api.schemas.extensions import AddExtensionRequest, ExtensionListResponse
from entrypoints.http.callers import caller_of


async def list_(request: web.Request) -> web.Response:
    return json_response(ExtensionListResponse.of(await request.app[USE_CASES].list_extensions()))


async def add(request: web.Request) -> web.Response:
    body = await body_as(AddExtensionRequest, request)
    add_extension = request.app[USE_CASES].add_extension
    database = await add_extension(request.match_info["id"], body.name, caller_of(request))
    return json_response(DatabaseResponse.of(database), headers=etag(database))
