"""A sender of webhooks that keeps the messages, for tests."""

from dataclasses import dataclass, field

from domain.deliveries import Delivery
from domain.errors import DeliveryFailed
from domain.secrets import Secret
from ports.driven.webhook_sender import WebhookSender


@dataclass
class MemoryWebhookSender(WebhookSender):
    """Keeps each message with the secret of its signature. Raises `failure` instead, if set."""

    sent: list[tuple[Delivery, Secret]] = field(default_factory=list)
    failure: DeliveryFailed | None = None

    async def send(self, delivery: Delivery, secret: Secret) -> None:
        secret.reveal()  # raises SecretUnknown
        if self.failure:
            raise self.failure
        self.sent.append((delivery, secret))
