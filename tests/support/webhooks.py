"""Webhooks, events and deliveries with unique ids."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from domain.deliveries import Delivery
from domain.event_types import EventType
from domain.ids import RANDOM_BYTES, new_id
from domain.webhooks import PREFIX, Webhook
from ports.driven.delivery_queue import DeliveryQueue

CREATED_AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
URL = "https://hooks.example/pgvend"


def new_webhook(**more: Any) -> Webhook:
    """Return a webhook with a new id that gets all events."""
    usual: dict[str, Any] = {
        "id": new_id(CREATED_AT, os.urandom(RANDOM_BYTES), PREFIX),
        "caller": "ann",
        "url": URL,
        "events": frozenset(EventType),
        "created_at": CREATED_AT,
        "secret": "0123456789ab",
        "nonce": "ab" * 16,
    }
    return Webhook(**usual | more)


def new_delivery(webhook: Webhook, **more: Any) -> Delivery:
    """Return a delivery to the webhook, with a new id, that is due."""
    usual: dict[str, Any] = {
        "id": new_id(CREATED_AT, os.urandom(RANDOM_BYTES), "evt_"),
        "webhook_id": webhook.id,
        "database_id": new_id(CREATED_AT, os.urandom(RANDOM_BYTES)),
        "url": webhook.url,
        "body": '{"type": "é"}'.encode(),
        "secret": webhook.secret,
        "nonce": webhook.nonce,
        "due_at": CREATED_AT,
    }
    return Delivery(**usual | more)


async def claim_all(queue: DeliveryQueue, now: datetime = CREATED_AT) -> Sequence[Delivery]:
    """Return the deliveries that are due `now`, and leave them due."""
    return await queue.claim(now, now, webhooks=100, per_webhook=1000)
