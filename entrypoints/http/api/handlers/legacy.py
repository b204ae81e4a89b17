"""Handlers of the original service's two routes."""

from aiohttp import web

from entrypoints.http.api.context import SUBJECT, USE_CASES
from entrypoints.http.api.handlers.health import LivenessResponse
from entrypoints.http.api.headers import idempotency_key
from entrypoints.http.api.json_bodies import body_as, json_response
from entrypoints.http.api.schemas.legacy import LegacyDatabaseRequest, LegacyDatabaseResponse
from entrypoints.http.callers import caller_of
from ports.use_cases.create_database import VendRequest


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
