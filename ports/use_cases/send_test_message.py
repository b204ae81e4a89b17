"""Send a test message to the receiver of a webhook."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from domain.callers import ANYONE, Caller
from domain.deliveries import Delivery
from domain.errors import InFlight
from domain.ids import RANDOM_BYTES, new_id
from domain.passwords import PasswordDeriver
from domain.webhook_events import EVENT_PREFIX
from domain.webhooks import Webhook, derive_signing_secret
from ports.driven.clock import Clock
from ports.driven.leases import Leases
from ports.driven.randomness import Randomness
from ports.driven.webhook_sender import WebhookSender
from ports.use_cases.manage_webhooks import ManageWebhooks, WebhookStatus

RenderTest = Callable[[Webhook, datetime], bytes]
"""Returns the body of a test message."""


@dataclass(frozen=True, kw_only=True)
class SendTestMessage:
    manage: ManageWebhooks
    sender: WebhookSender
    leases: Leases
    clock: Clock
    randomness: Randomness
    passwords: PasswordDeriver

    async def __call__(
        self, webhook_id: str, render: RenderTest, caller: Caller = ANYONE
    ) -> WebhookStatus:
        """Make one attempt to send a message of the type `webhook.test`, and return the webhook.

        Raises WebhookNotFound, SecretUnknown if its secret cannot be derived, DeliveryFailed if the
        receiver did not accept the message, and InFlight while another test message is being sent
        to it: receivers that never answer must not hold many attempts.
        """
        webhook = await self.manage.get(webhook_id, caller)
        async with self.leases.acquire(f"test {webhook.id}") as is_acquired:
            if not is_acquired:
                raise InFlight("A test message is being sent to this webhook; retry soon.")
            await self._send(webhook, render)
        return await self.manage.summarize(webhook)

    async def _send(self, webhook: Webhook, render: RenderTest) -> None:
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
