"""The store of API keys."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime

from domain.api_keys import ApiKey


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyQuery:
    """A page of keys: the newest first, and only those that come after the key `before`."""

    before: ApiKey | None = None
    limit: int = 50


class ApiKeyStore(ABC):
    """Stores the records of API keys. Every method may raise Unavailable; a change that failed was
    stored completely or not at all."""

    @abstractmethod
    async def add(self, key: ApiKey) -> None:
        """Store a new key durably. Raises NameTaken when its id is in use."""

    @abstractmethod
    async def find(self, key_id: str) -> ApiKey | None:
        """Return the key of that id, also a revoked or expired one, or None."""

    @abstractmethod
    async def list_all(self) -> list[ApiKey]:
        """Return all keys: the newest first, and by descending id where they are equally old."""

    @abstractmethod
    async def search(self, query: ApiKeyQuery) -> list[ApiKey]:
        """Return at most `query.limit` keys in the order of `list_all`."""

    @abstractmethod
    async def revoke(self, key_id: str, at: datetime) -> ApiKey:
        """Mark the key as revoked at that moment, durably. Idempotent: the first moment counts.
        Raises KeyNotFound."""
