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
    async def claim(
        self,
        now: datetime,
        until: datetime,
        *,
        webhooks: int,
        per_webhook: int,
        without: Collection[str] = (),
    ) -> list[Delivery]:
        """Return deliveries whose `due_at` is not later than `now`, after it was set to `until`, so
        that no other call returns them before: a sender that stops leaves them to be repeated then.

        They are those of the `webhooks` webhooks that are due longest, but for the webhooks
        `without`; of each, the first `per_webhook` in the order of `due_at`, and where this is
        equal, in the order in which they were stored. They have the current URL and secret of their
        webhook.
        """

    @abstractmethod
    async def remove(self, delivery: Delivery) -> None:
        """Remove a delivery that was accepted. Idempotent."""

    @abstractmethod
    async def update(self, delivery: Delivery) -> None:
        """Store `attempts`, `due_at` and `error` of a delivery after a failed attempt. A delivery
        that was removed meanwhile, with its webhook, stays removed."""
