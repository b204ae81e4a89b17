"""API keys in memory."""

from datetime import datetime

from domain.api_keys import ApiKey
from domain.errors import KeyNotFound, NameTaken
from ports.driven.api_key_store import ApiKeyQuery, ApiKeyStore


class MemoryApiKeyStore(ApiKeyStore):
    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}

    async def add(self, key: ApiKey) -> None:
        if key.id in self._keys:
            raise NameTaken(f"A key {key.id} exists already.")
        self._keys[key.id] = key

    async def find(self, key_id: str) -> ApiKey | None:
        return self._keys.get(key_id)

    async def list_all(self) -> list[ApiKey]:
        return sorted(self._keys.values(), key=_sort_key, reverse=True)

    async def search(self, query: ApiKeyQuery) -> list[ApiKey]:
        before = query.before
        keys = [
            key
            for key in await self.list_all()
            if before is None or _sort_key(key) < _sort_key(before)
        ]
        return keys[: query.limit]

    async def revoke(self, key_id: str, at: datetime) -> ApiKey:
        if key_id not in self._keys:
            raise KeyNotFound(f"There is no key {key_id!r}.")
        self._keys[key_id] = self._keys[key_id].revoke(at)
        return self._keys[key_id]


def _sort_key(key: ApiKey) -> tuple[datetime, str]:
    return key.created_at, key.id
