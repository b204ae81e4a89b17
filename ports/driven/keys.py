"""The API keys that were made by `pgvend keys`."""

from abc import ABC, abstractmethod
from datetime import datetime

from domain.keys import ApiKey


class KeyRing(ABC):
    """Keeps what is kept of keys. Every method may raise Unavailable; a change that was cut off was
    made whole or not at all."""

    @abstractmethod
    async def add(self, key: ApiKey) -> None:
        """Keep a new key, durably. Raises NameTaken when its id is in use."""

    @abstractmethod
    async def find(self, key_id: str) -> ApiKey | None:
        """The key of that id, revoked and expired ones too."""

    @abstractmethod
    async def every(self) -> list[ApiKey]:
        """All of them, the newest first."""

    @abstractmethod
    async def revoke(self, key_id: str, at: datetime) -> ApiKey:
        """Mark the key as revoked at that moment, durably. Idempotent: the first moment counts.
        Raises KeyNotFound."""
