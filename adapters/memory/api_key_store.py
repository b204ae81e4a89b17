"""API keys in memory."""

from datetime import datetime

from domain.api_keys import ApiKey
from domain.errors import KeyNotFound, NameTaken
from ports.driven.api_key_store import KeyQuery, KeyRing


class MemoryKeyRing(KeyRing):
    def __init__(self) -> None:
        self._kept: dict[str, ApiKey] = {}

    async def add(self, key: ApiKey) -> None:
        if key.id in self._kept:
            raise NameTaken(f"A key {key.id} exists already.")
        self._kept[key.id] = key

    async def find(self, key_id: str) -> ApiKey | None:
        return self._kept.get(key_id)

    async def every(self) -> list[ApiKey]:
        return sorted(self._kept.values(), key=_age, reverse=True)

    async def search(self, query: KeyQuery) -> list[ApiKey]:
        before = query.before
        keys = [key for key in await self.every() if before is None or _age(key) < _age(before)]
        return keys[: query.limit]

    async def revoke(self, key_id: str, at: datetime) -> ApiKey:
        if key_id not in self._kept:
            raise KeyNotFound(f"There is no key {key_id!r}.")
        self._kept[key_id] = self._kept[key_id].revoked(at)
        return self._kept[key_id]


def _age(key: ApiKey) -> tuple[datetime, str]:
    return key.created_at, key.id
