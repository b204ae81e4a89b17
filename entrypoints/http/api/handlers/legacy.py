"""Handlers of the original service's two routes."""

from aiohttp import web

from entrypoints.http.api.context import AUDIT_EVENT, AUDIT_SUBJECT, USE_CASES, get_caller
from entrypoints.http.api.headers import parse_idempotency_key
from entrypoints.http.api.json_bodies import json_response, read_body
from entrypoints.http.api.schemas.health import LivenessResponse
from entrypoints.http.api.schemas.legacy import LegacyDatabaseRequest, LegacyDatabaseResponse
from ports.use_cases.create_request import CreateRequest


async def create_neon_db(request: web.Request) -> web.Response:
    body = await read_body(LegacyDatabaseRequest, request)
    create_request = CreateRequest(
        nickname=body.project.name, key=parse_idempotency_key(request), caller=get_caller(request)
    )
    provisioned = await request.app[USE_CASES].create(create_request, request[AUDIT_EVENT])
    request[AUDIT_SUBJECT] = provisioned.database.id
    return json_response(LegacyDatabaseResponse.from_domain(provisioned))


async def answer_test(request: web.Request) -> web.Response:
    return json_response(LivenessResponse())
