"""The announcements of events to webhooks."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from domain.deliveries import Delivery
from domain.webhook_events import Progress


class Announcements(ABC):
    """Remembers which events were announced, in the transaction that stores their deliveries. It
    belongs to the registry. Every method may raise Unavailable; a change that failed was stored
    completely or not at all."""

    @abstractmethod
    async def find_progress(self, database_ids: Collection[str]) -> Mapping[str, Progress]:
        """Return the progress of those records of which events were announced, by their ids."""

    @abstractmethod
    async def store(self, progress: Mapping[str, Progress], deliveries: Sequence[Delivery]) -> None:
        """Store the progress of these records, and add the deliveries to the queue in this order,
        in one transaction. Leave out deliveries that are in the queue, and those of webhooks that
        were removed. Progress never goes back."""

    @abstractmethod
    async def list_expiring(self, now: datetime, until: datetime, limit: int) -> list[str]:
        """Return the ids of at most `limit` databases of callers that are ready and expire after
        `now` and not after `until`, in the order of their expiry, unless `database.expiring` was
        announced for that expiry."""

    @abstractmethod
    async def find_end(self) -> datetime | None:
        """Return the end of the period whose changes were announced, by the time of the registry;
        None if there was none."""

    @abstractmethod
    async def store_end(self, until: datetime) -> None:
        """Store the end of that period."""

    @abstractmethod
    async def discard(self, keep: int) -> None:
        """Remove the deliveries that were given up, but for the newest `keep` of each webhook."""
