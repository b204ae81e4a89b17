"""The messages that a service would send to webhooks."""

import json
from typing import Any

from entrypoints.http.api.schemas.webhooks import render_event
from tests.support.apps import RunningApp


async def announce(app: RunningApp) -> list[Any]:
    """Announce the events, and return the bodies of the messages."""
    await app.use_cases.webhooks.announce(render_event)()
    now = app.clock.now()
    deliveries = await app.records.deliveries.claim(now, now, webhooks=10, per_webhook=100)
    for delivery in deliveries:
        await app.records.deliveries.remove(delivery)
    return [json.loads(delivery.body) for delivery in deliveries]
