"""`/v1/extensions`, and the extensions of one database."""

from aiohttp import web

from entrypoints.http.bodies import body_as, json_response
from entrypoints.http.callers import caller_of
from entrypoints.http.extension_schemas import ExtensionBody, ExtensionsOut
from entrypoints.http.headers import etag
from entrypoints.http.keys import USE_CASES
from entrypoints.http.schemas import DatabaseOut


async def list_(request: web.Request) -> web.Response:
    return json_response(ExtensionsOut.of(await request.app[USE_CASES].list_extensions()))


async def add(request: web.Request) -> web.Response:
    body = await body_as(ExtensionBody, request)
    add_extension = request.app[USE_CASES].add_extension
    database = await add_extension(request.match_info["id"], body.name, caller_of(request))
    return json_response(DatabaseOut.of(database), headers=etag(database))
