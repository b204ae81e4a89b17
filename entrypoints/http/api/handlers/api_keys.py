"""Handlers of `/v1/keys`."""

from collections.abc import Iterator

from aiohttp import web

from domain.api_keys import ApiKey
from entrypoints.config.field_types import ANY_ORIGIN
from entrypoints.http.api.context import AUDIT_SUBJECT, CORS_ORIGINS, USE_CASES
from entrypoints.http.api.json_bodies import json_response, read_body
from entrypoints.http.api.query_values import page_size
from entrypoints.http.api.schemas.api_keys import (
    ApiKeyPageResponse,
    ApiKeyResponse,
    CreateApiKeyRequest,
    NewApiKeyResponse,
)
from ports.use_cases.manage_api_keys import ApiKeyListRequest, ApiKeyRequest


async def create_key(request: web.Request) -> web.Response:
    wanted = (await read_body(CreateApiKeyRequest, request)).to_request()
    record, key = await request.app[USE_CASES].keys.create(wanted)
    request[AUDIT_SUBJECT] = record.id
    notices = [*_notices(request, wanted, record)]
    return json_response(NewApiKeyResponse.with_key(record, key, notices), status=201)


async def list_keys(request: web.Request) -> web.Response:
    token = request.query.get("page_token", "")
    wanted = ApiKeyListRequest(page_token=token, page_size=page_size(request))
    return json_response(
        ApiKeyPageResponse.from_domain(await request.app[USE_CASES].keys.read(wanted))
    )


async def revoke_key(request: web.Request) -> web.Response:
    record = await request.app[USE_CASES].keys.revoke(request.match_info["id"])
    return json_response(ApiKeyResponse.from_domain(record))


def _notices(request: web.Request, wanted: ApiKeyRequest, key: ApiKey) -> Iterator[str]:
    if removed := wanted.scopes - key.scopes:
        yield (
            "A key for web pages can only have the scope create; removed: "
            f"{', '.join(sorted(removed))}."
        )
    allowed = request.app[CORS_ORIGINS]
    blocked = key.origins - allowed if ANY_ORIGIN not in allowed else frozenset()
    if blocked:
        yield (
            f"Browsers block requests from {', '.join(sorted(blocked))}: add the origin to "
            "CORS_ALLOW_ORIGINS."
        )
