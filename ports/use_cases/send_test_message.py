"""Send a test message to the receiver of a webhook."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from domain.callers import ANYONE, Caller
from domain.deliveries import Delivery
from domain.ids import RANDOM_BYTES, new_id
from domain.passwords import PasswordDeriver
from domain.webhook_events import EVENT_PREFIX
from domain.webhooks import Webhook, derive_signing_secret
from ports.driven.clock import Clock
from ports.driven.randomness import Randomness
from ports.driven.webhook_sender import WebhookSender
from ports.use_cases.manage_webhooks import ManageWebhooks, WebhookStatus

RenderTest = Callable[[Webhook, datetime], bytes]
"""Returns the body of a test message."""


@dataclass(frozen=True, kw_only=True)
class SendTestMessage:
    manage: ManageWebhooks
    sender: WebhookSender
    clock: Clock
    randomness: Randomness
    passwords: PasswordDeriver

    async def __call__(
        self, webhook_id: str, render: RenderTest, caller: Caller = ANYONE
    ) -> WebhookStatus:
        """Make one attempt to send a message of the type `webhook.test`, and return the webhook.

        Raises WebhookNotFound, SecretUnknown if its secret cannot be derived, and DeliveryFailed if
        the receiver did not accept the message.
        """
        webhook = await self.manage.get(webhook_id, caller)
        now = self.clock.now()
        delivery = Delivery(
            id=new_id(now, self.randomness.entropy(RANDOM_BYTES), EVENT_PREFIX),
            webhook_id=webhook.id,
            url=webhook.url,
            body=render(webhook, now),
            secret=webhook.secret,
            nonce=webhook.nonce,
        )
        secret = derive_signing_secret(self.passwords, webhook.id, webhook.secret, webhook.nonce)
        await self.sender.send(delivery, secret)
        return await self.manage.summarize(webhook)
