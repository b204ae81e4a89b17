"""What is done to a database on its way: a new password, a way back after its end."""

from aiohttp import web

from entrypoints.http.bodies import body_as, json_response
from entrypoints.http.callers import caller_of
from entrypoints.http.headers import etag
from entrypoints.http.keys import USE_CASES
from entrypoints.http.schemas import RestoreBody, VendedOut
from ports.driving.vended import Vended


async def rotate(request: web.Request) -> web.Response:
    rotate = request.app[USE_CASES].rotate
    return _handed_out(await rotate(request.match_info["id"], caller_of(request)))


async def restore(request: web.Request) -> web.Response:
    body = await body_as(RestoreBody, request, optional=True)
    restore = request.app[USE_CASES].restore
    restored = await restore(request.match_info["id"], body.duration(), caller_of(request))
    return _handed_out(restored)


def _handed_out(vended: Vended) -> web.Response:
    headers = etag(vended.database)
    return json_response(VendedOut.handed_out(vended), headers=headers)
