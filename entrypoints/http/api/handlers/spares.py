"""Handler of `/v1/spares`."""

from aiohttp import web

from entrypoints.http.api.context import MAINTENANCE
from entrypoints.http.api.json_bodies import json_response
from entrypoints.http.api.schemas.spares import SpareListResponse


async def list_spares(request: web.Request) -> web.Response:
    levels = await request.app[MAINTENANCE].list_spares()
    return json_response(SpareListResponse.from_domain(levels))
