"""The queue of deliveries."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from datetime import datetime

from domain.deliveries import Delivery


class DeliveryQueue(ABC):
    """Deliveries that wait for an attempt, and those that were given up, by the webhook's id and
    their own. Every method may raise Unavailable; a change that failed was stored completely or not
    at all."""

    @abstractmethod
    async def list_due(
        self, now: datetime, *, per_webhook: int, without: Collection[str] = ()
    ) -> list[Delivery]:
        """Return the deliveries whose `due_at` is not later than `now`, with the current URL and
        secret of their webhooks: those that are due longest, at most `per_webhook` of each webhook,
        and none of the webhooks `without`.

        Those of one webhook are in the order of `due_at`, and where this is equal, in the order in
        which they were stored.
        """

    @abstractmethod
    async def find_next_due(self) -> datetime | None:
        """Return the earliest `due_at`, None if no delivery waits."""

    @abstractmethod
    async def remove(self, delivery: Delivery) -> None:
        """Remove a delivery that was accepted. Idempotent."""

    @abstractmethod
    async def update(self, delivery: Delivery) -> None:
        """Store `attempts`, `due_at` and `error` of a delivery after a failed attempt. A delivery
        that was removed meanwhile, with its webhook, stays removed."""
