"""`/v1/keys` and `/v1/audit`."""

from collections.abc import Iterator

from aiohttp import web

from domain.keys import ApiKey
from entrypoints.http.access_schemas import AuditOut, KeyBody, KeyOut, KeysOut, NewKeyOut
from entrypoints.http.bodies import body_as, json_response
from entrypoints.http.keys import CORS_ORIGINS, SUBJECT, USE_CASES
from entrypoints.http.queries import page_size
from entrypoints.setting_types import ANY_ORIGIN
from ports.driving.audit import AuditRequest
from ports.driving.manage_keys import KeyRequest


async def create_key(request: web.Request) -> web.Response:
    asked = (await body_as(KeyBody, request)).request()
    record, key = await request.app[USE_CASES].keys.create(asked)
    request[SUBJECT] = record.id
    notices = [*_notices(request, asked, record)]
    return json_response(NewKeyOut.handed_out(record, key, notices), status=201)


async def list_keys(request: web.Request) -> web.Response:
    return json_response(KeysOut.of(await request.app[USE_CASES].keys.every()))


async def revoke_key(request: web.Request) -> web.Response:
    record = await request.app[USE_CASES].keys.revoke(request.match_info["id"])
    return json_response(KeyOut.of(record))


async def audit(request: web.Request) -> web.Response:
    query = request.query
    page = await request.app[USE_CASES].audit.read(
        AuditRequest(
            caller=query.get("caller"),
            subject=query.get("subject"),
            page_token=query.get("page_token", ""),
            page_size=page_size(request),
        )
    )
    return json_response(AuditOut.of(page))


def _notices(request: web.Request, asked: KeyRequest, made: ApiKey) -> Iterator[str]:
    if left_out := asked.scopes - made.scopes:
        yield f"A key for web pages can only create: {', '.join(sorted(left_out))} left out."
    allowed = request.app[CORS_ORIGINS]
    closed = made.origins - allowed if ANY_ORIGIN not in allowed else frozenset()
    if closed:
        yield f"Browsers will not let {', '.join(sorted(closed))} in: see CORS_ALLOW_ORIGINS."
