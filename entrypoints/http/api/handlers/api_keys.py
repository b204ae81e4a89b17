"""Handlers of `/v1/keys`."""

from collections.abc import Iterator

from aiohttp import web

from domain.api_keys import ApiKey
from entrypoints.config.field_types import ANY_ORIGIN
from entrypoints.http.api.context import AUDIT_SUBJECT, CORS_ORIGINS, USE_CASES
from entrypoints.http.api.json_bodies import json_response, read_body
from entrypoints.http.api.query_values import parse_page_size
from entrypoints.http.api.schemas.api_keys import (
    ApiKeyPageResponse,
    ApiKeyResponse,
    CreateApiKeyRequest,
    NewApiKeyResponse,
)
from ports.use_cases.manage_api_keys import ApiKeyListRequest, ApiKeyRequest


async def create_key(request: web.Request) -> web.Response:
    key_request = (await read_body(CreateApiKeyRequest, request)).to_request()
    record, key = await request.app[USE_CASES].access.keys.create(key_request)
    request[AUDIT_SUBJECT] = record.id
    notices = [*_list_notices(request, key_request, record)]
    return json_response(NewApiKeyResponse.with_key(record, key, notices), status=201)


async def list_keys(request: web.Request) -> web.Response:
    token = request.query.get("page_token", "")
    list_request = ApiKeyListRequest(page_token=token, page_size=parse_page_size(request))
    return json_response(
        ApiKeyPageResponse.from_domain(await request.app[USE_CASES].access.keys.read(list_request))
    )


async def revoke_key(request: web.Request) -> web.Response:
    record = await request.app[USE_CASES].access.keys.revoke(request.match_info["id"])
    return json_response(ApiKeyResponse.from_domain(record))


def _list_notices(request: web.Request, key_request: ApiKeyRequest, key: ApiKey) -> Iterator[str]:
    if removed := key_request.scopes - key.scopes:
        yield (
            "A key for web pages can only have the scope create; removed: "
            f"{', '.join(sorted(removed))}."
        )
    allowed_origins = request.app[CORS_ORIGINS]
    blocked = key.origins - allowed_origins
    if blocked and ANY_ORIGIN not in allowed_origins:
        yield (
            f"Browsers block requests from {', '.join(sorted(blocked))}: add the origin to "
            "CORS_ALLOW_ORIGINS."
        )
