"""Routes of API keys."""

from domain import api_keys as domain_keys
from domain.callers import Scope
from domain.errors import (
    InvalidDuration,
    InvalidPageToken,
    InvalidRequest,
    KeyNotFound,
    Unavailable,
)
from entrypoints.http.api.handlers import api_keys
from entrypoints.http.api.routes import parameters as params
from entrypoints.http.api.routes.route import Answer, Parameter, Route, Tag
from entrypoints.http.api.schemas.api_keys import (
    ApiKeyPageResponse,
    ApiKeyResponse,
    CreateApiKeyRequest,
    NewApiKeyResponse,
)

KEY_ID = Parameter(
    place="path",
    name="id",
    schema={"type": "string", "pattern": f"^{domain_keys.KEY_ID_PATTERN.pattern}$"},
    description="The first part of the key.",
    required=True,
)

API_KEY_ROUTES = (
    Route(
        method="POST",
        path="/v1/keys",
        handler=api_keys.create_key,
        scope=Scope.ADMIN,
        name="createKey",
        tag=Tag.KEYS,
        summary="Create an API key",
        description=(
            "Returns the key, which is shown only once: pgvend stores only a digest of it. A key "
            "with `origins` is for web pages and can only create databases."
        ),
        body=CreateApiKeyRequest,
        answers=(Answer(status=201, description="The new key.", body=NewApiKeyResponse),),
        errors=(InvalidDuration, Unavailable),
    ),
    Route(
        method="GET",
        path="/v1/keys",
        handler=api_keys.list_keys,
        scope=Scope.ADMIN,
        name="listKeys",
        tag=Tag.KEYS,
        summary="List API keys",
        description=(
            "Returns the records of all keys, the newest first, page by page, including revoked "
            "and expired keys. Follow `next_page_token` to the next page."
        ),
        parameters=(params.PAGE_TOKEN, params.PAGE_SIZE),
        answers=(Answer(status=200, description="A page of keys.", body=ApiKeyPageResponse),),
        errors=(InvalidRequest, InvalidPageToken, Unavailable),
    ),
    Route(
        method="DELETE",
        path="/v1/keys/{id}",
        handler=api_keys.revoke_key,
        scope=Scope.ADMIN,
        name="revokeKey",
        tag=Tag.KEYS,
        summary="Revoke an API key",
        description=(
            "Requests with the key are refused from now on. The caller's databases stay. The call "
            "is safe to retry."
        ),
        parameters=(KEY_ID,),
        answers=(Answer(status=200, description="The revoked key.", body=ApiKeyResponse),),
        errors=(KeyNotFound, Unavailable),
    ),
)
