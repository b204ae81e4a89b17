"""The store of webhooks."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from domain.webhooks import DeliverySummary, Webhook


class WebhookStore(ABC):
    """Stores webhooks. Every method may raise Unavailable; a change that failed was stored
    completely or not at all."""

    @abstractmethod
    async def add(self, webhook: Webhook, limit: int) -> None:
        """Store a new webhook durably. Raises TooManyWebhooks when its caller has `limit` webhooks;
        of concurrent calls for the last place, one succeeds."""

    @abstractmethod
    async def find(self, webhook_id: str) -> Webhook | None:
        """Return the webhook of that id, or None."""

    @abstractmethod
    async def list_all(self, caller: str | None = None) -> list[Webhook]:
        """Return the webhooks of the caller, or with None those of all callers: the newest first,
        and by descending id where they are equally old."""

    @abstractmethod
    async def update_secret(self, webhook: Webhook) -> None:
        """Store `secret` and `nonce` of the webhook durably. A webhook that was removed stays
        removed."""

    @abstractmethod
    async def remove(self, webhook_id: str) -> None:
        """Remove the webhook with its deliveries, durably. Idempotent."""

    @abstractmethod
    async def summarize(self) -> Mapping[str, DeliverySummary]:
        """Return the summaries of the deliveries of all webhooks that have any, by the id of the
        webhook."""
