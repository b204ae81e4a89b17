"""Handlers of the original service's two routes."""

from aiohttp import web

from entrypoints.http.bodies import body_as, json_response
from entrypoints.http.callers import caller_of
from entrypoints.http.headers import idempotency_key
from entrypoints.http.health import LivenessResponse
from entrypoints.http.keys import SUBJECT, USE_CASES
from entrypoints.http.legacy_schemas import LegacyDatabaseRequest, LegacyDatabaseResponse
from ports.driving.vend import VendRequest


async def create_neon_db(request: web.Request) -> web.Response:
    body = await body_as(LegacyDatabaseRequest, request)
    wanted = VendRequest(
        nickname=body.project.name, key=idempotency_key(request), caller=caller_of(request)
    )
    provisioned = await request.app[USE_CASES].create(wanted)
    request[SUBJECT] = provisioned.database.id
    return json_response(LegacyDatabaseResponse.of(provisioned))


async def answer_test(request: web.Request) -> web.Response:
    return json_response(LivenessResponse())
