"""Webhooks in memory, and senders whose receivers do what tests say."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from adapters.memory.webhooks import MemoryDeliveryQueue, MemoryWebhookStore
from adapters.system.leases import InProcessLeases
from domain.deliveries import Delivery
from domain.event_types import EventType
from domain.secrets import Secret
from domain.webhooks import Webhook
from ports.driven.webhook_sender import WebhookSender
from ports.use_cases.send_deliveries import DeliveryResult, SendDeliveries
from tests.support.clock import FakeClock
from tests.support.provision_requests import deriver

BODY = b'{"type":"database.created"}'


@dataclass
class ScriptedSender(WebhookSender):
    """Raises the errors of a webhook one after the other, and holds those in `held`."""

    errors: dict[str, list[Exception]] = field(default_factory=dict)
    held: dict[str, asyncio.Event] = field(default_factory=dict)
    sent: list[Delivery] = field(default_factory=list)
    secrets: list[Secret] = field(default_factory=list)
    running: list[str] = field(default_factory=list)
    """The ids of the deliveries whose attempts run."""

    @property
    def ids(self) -> Sequence[str]:
        return [delivery.id for delivery in self.sent]

    async def send(self, delivery: Delivery, secret: Secret) -> None:
        secret.reveal()
        self.sent.append(delivery)
        self.secrets.append(secret)
        self.running.append(delivery.id)
        try:
            await asyncio.sleep(0)
            if event := self.held.get(delivery.webhook_id):
                await event.wait()
        finally:
            self.running.remove(delivery.id)
        if errors := self.errors.get(delivery.webhook_id):
            raise errors.pop(0)


class Webhooks:
    """A queue in memory, and the use case that sends what is in it."""

    def __init__(self, clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.sender = ScriptedSender()
        self.store = MemoryWebhookStore()
        self.leases = InProcessLeases()
        self.send = self.start_replica()

    def start_replica(self) -> SendDeliveries:
        """Return the use case of another process."""
        return SendDeliveries(
            queue=MemoryDeliveryQueue(self.store),
            sender=self.sender,
            leases=self.leases,
            clock=self.clock,
            passwords=deriver,
        )

    def add(self, *ids: str, webhook: str = "wh_1", database: str = "db_1") -> None:
        """Store deliveries of a webhook, which is created if it is missing."""
        if webhook not in self.store.webhooks:
            self.store.webhooks[webhook] = Webhook(
                id=webhook,
                caller="web",
                url=f"https://{webhook}.example",
                events=frozenset(EventType),
                created_at=self.clock.now(),
                secret=deriver.current,
                nonce="n0",
            )
        self.store.queue += [
            Delivery(
                id=each,
                webhook_id=webhook,
                database_id=database,
                url="",
                body=BODY,
                due_at=self.clock.now(),
            )
            for each in ids
        ]

    def move(self, pause: timedelta) -> None:
        """Move the clock."""
        self.clock.passed += pause.total_seconds()

    async def send_due(self) -> list[DeliveryResult]:
        """Send everything that is due now."""
        results: list[DeliveryResult] = []
        while batch := await self.send.claim():
            results += await self.send.send(batch)
        return results
