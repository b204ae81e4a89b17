"""Create, list and revoke API keys."""

from dataclasses import dataclass, field
from datetime import timedelta

from domain.api_key_cache import ApiKeyCache
from domain.api_keys import (
    ID_BYTES,
    SECRET_BYTES,
    ApiKey,
    digest_key,
    new_key,
    restrict_scopes,
    validate_key_name,
)
from domain.callers import Scope
from domain.errors import InvalidPageToken, NameTaken
from domain.rates import Rate
from domain.secrets import Secret
from ports.driven.api_key_store import ApiKeyQuery, ApiKeyStore
from ports.driven.clock import Clock
from ports.driven.randomness import Randomness
from ports.use_cases.pagination import decode_token, split_page


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyRequest:
    """Without a `name`, the key's id names its caller. `origins` are the web pages that may use the
    key."""

    name: str | None = None
    scopes: frozenset[Scope]
    quota: int | None = None
    rate: Rate | None = None
    origins: frozenset[str] = frozenset()
    ttl: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyListRequest:
    page_token: str = ""
    page_size: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyPage:
    keys: list[ApiKey]
    next_page_token: str  # empty on the last page


@dataclass(frozen=True, kw_only=True)
class ManageApiKeys:
    key_store: ApiKeyStore
    clock: Clock
    randomness: Randomness
    key_cache: ApiKeyCache = field(default_factory=ApiKeyCache)

    async def create(self, request: ApiKeyRequest) -> tuple[ApiKey, Secret]:
        """Create a key. Return its record and the key itself, which is shown only once. A key for
        web pages gets only the scope `create`. Raises InvalidRequest."""
        now = self.clock.now()
        while True:
            key_id, key = new_key(self.randomness.entropy(ID_BYTES + SECRET_BYTES))
            record = ApiKey(
                id=key_id,
                digest=digest_key(key),
                name=validate_key_name(key_id if request.name is None else request.name),
                scopes=restrict_scopes(request.scopes, request.origins),
                quota=request.quota,
                rate=request.rate,
                origins=request.origins,
                created_at=now,
                expires_at=None if request.ttl is None else now + request.ttl,
            )
            try:
                await self.key_store.add(record)
            except NameTaken:
                continue  # another key has this id
            self.key_cache.remember(record, self.clock.elapsed(), self.key_cache.removals)
            return record, key

    async def read(self, request: ApiKeyListRequest) -> ApiKeyPage:
        """Return a page of keys, the newest first, revoked and expired ones included. Raises
        InvalidPageToken."""
        query = ApiKeyQuery(
            before=await self._find_last_key(request.page_token),
            limit=request.page_size + 1,  # one more, to know whether there is a next page
        )
        page, token = split_page(await self.key_store.search(query), request.page_size)
        return ApiKeyPage(keys=page, next_page_token=token)

    async def revoke(self, key_id: str) -> ApiKey:
        """Revoke the key from now on; other processes may accept it for FRESH_SECONDS more. Return
        its record. Idempotent. Raises KeyNotFound."""
        try:
            return await self.key_store.revoke(key_id, self.clock.now())
        finally:  # also after an error: the key may be revoked
            self.key_cache.forget(key_id)

    async def _find_last_key(self, page_token: str) -> ApiKey | None:
        """Return the last key of the page before. Keys are never removed, so it is still there."""
        key_id = decode_token(page_token)
        if key_id is None:
            return None
        if (key := await self.key_store.find(key_id)) is None:
            raise InvalidPageToken
        return key
