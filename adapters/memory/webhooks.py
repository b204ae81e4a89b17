"""Webhooks, their deliveries, and how far events were announced, in memory."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from adapters.memory.registry import MemoryRegistry
from domain.deliveries import Delivery
from domain.errors import TooManyWebhooks
from domain.lifecycle import State
from domain.webhook_events import Progress
from domain.webhooks import DeliverySummary, Webhook
from ports.driven.announcements import Announcements
from ports.driven.delivery_queue import DeliveryQueue
from ports.driven.registry import Query
from ports.driven.webhook_store import WebhookStore

_ALL = 1_000_000_000

_BY_AGE = attrgetter("created_at", "id")
_BY_WEBHOOK = attrgetter("webhook_id")


class MemoryWebhookStore(WebhookStore):
    """Deliveries are in `queue`, in the order in which they were stored."""

    def __init__(self) -> None:
        self.webhooks: dict[str, Webhook] = {}
        self.queue: list[Delivery] = []

    async def add(self, webhook: Webhook, limit: int) -> None:
        if len(await self.list_all(webhook.caller)) >= limit:
            raise TooManyWebhooks
        self.webhooks[webhook.id] = webhook

    async def find(self, webhook_id: str) -> Webhook | None:
        return self.webhooks.get(webhook_id)

    async def list_all(self, caller: str | None = None) -> list[Webhook]:
        webhooks = sorted(self.webhooks.values(), key=_BY_AGE, reverse=True)
        return [each for each in webhooks if caller in {None, each.caller}]

    async def update_secret(self, webhook: Webhook) -> None:
        if known := self.webhooks.get(webhook.id):
            self.webhooks[webhook.id] = replace(known, secret=webhook.secret, nonce=webhook.nonce)

    async def remove(self, webhook_id: str) -> None:
        self.webhooks.pop(webhook_id, None)
        self.queue[:] = [each for each in self.queue if each.webhook_id != webhook_id]

    async def summarize(self) -> Mapping[str, DeliverySummary]:
        grouped = groupby(sorted(self.queue, key=_BY_WEBHOOK), _BY_WEBHOOK)
        return {webhook_id: _summarize([*group]) for webhook_id, group in grouped}


class MemoryDeliveryQueue(DeliveryQueue):
    def __init__(self, store: MemoryWebhookStore) -> None:
        self._store = store

    async def claim(
        self,
        now: datetime,
        until: datetime,
        *,
        webhooks: int,
        per_webhook: int,
        without: Collection[str] = (),
    ) -> list[Delivery]:
        due = [each for each in self._list_waiting() if each.due_at and each.due_at <= now]
        due.sort(key=attrgetter("due_at"))
        ids = [each for each in dict.fromkeys(map(_BY_WEBHOOK, due)) if each not in without]
        chosen = [
            delivery
            for webhook_id in ids[:webhooks]
            for delivery in [each for each in due if each.webhook_id == webhook_id][:per_webhook]
        ]
        claimed = [replace(each, due_at=until) for each in due if each in chosen]
        for delivery in claimed:
            await self.update(delivery)
        return claimed

    async def remove(self, delivery: Delivery) -> None:
        self._store.queue[:] = [each for each in self._store.queue if not _is_same(each, delivery)]

    async def update(self, delivery: Delivery) -> None:
        self._store.queue[:] = [
            delivery if _is_same(each, delivery) else each for each in self._store.queue
        ]

    def _list_waiting(self) -> list[Delivery]:
        """Return the deliveries with the current URL and secret of their webhooks."""
        webhooks = self._store.webhooks
        return [
            replace(each, url=webhook.url, secret=webhook.secret, nonce=webhook.nonce)
            for each in self._store.queue
            if (webhook := webhooks.get(each.webhook_id)) and not each.is_given_up
        ]


class MemoryAnnouncements(Announcements):
    def __init__(self, store: MemoryWebhookStore, registry: MemoryRegistry) -> None:
        self._store = store
        self._registry = registry
        self._progress: dict[str, Progress] = {}
        self._end: datetime | None = None

    async def find_progress(self, database_ids: Collection[str]) -> Mapping[str, Progress]:
        return {each: self._progress[each] for each in database_ids if each in self._progress}

    async def store(self, progress: Mapping[str, Progress], deliveries: Sequence[Delivery]) -> None:
        for database_id, each in progress.items():
            if each.step >= self._progress.get(database_id, each).step:
                self._progress[database_id] = each
        for delivery in deliveries:
            is_known = any(_is_same(each, delivery) for each in self._store.queue)
            if delivery.webhook_id in self._store.webhooks and not is_known:
                self._store.queue.append(delivery)

    async def list_expiring(self, now: datetime, until: datetime, limit: int) -> list[str]:
        query = Query(states=frozenset({State.READY}), shape="", limit=_ALL)
        expiring = [
            (each.expires_at, each.id)
            for each in await self._registry.search(query)
            if each.expires_at
            and now < each.expires_at <= until
            and self._progress.get(each.id, Progress()).expiry != each.expires_at
        ]
        return [database_id for _, database_id in sorted(expiring)[:limit]]

    async def find_end(self) -> datetime | None:
        return self._end

    async def store_end(self, until: datetime) -> None:
        self._end = until

    async def discard(self, keep: int) -> None:
        given_up: dict[str, int] = {}
        for each in reversed([*self._store.queue]):
            if each.is_given_up:
                given_up[each.webhook_id] = given_up.get(each.webhook_id, 0) + 1
                if given_up[each.webhook_id] > keep:
                    self._store.queue.remove(each)


def _summarize(deliveries: Sequence[Delivery]) -> DeliverySummary:
    waiting = sum(not each.is_given_up for each in deliveries)
    errors = [each.error for each in deliveries if each.error]
    return DeliverySummary(
        waiting=waiting,
        given_up=len(deliveries) - waiting,
        last_error=errors[-1] if errors else "",
    )


def _is_same(one: Delivery, other: Delivery) -> bool:
    return (one.webhook_id, one.id) == (other.webhook_id, other.id)
