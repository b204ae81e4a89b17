"""The sender of webhooks."""

from abc import ABC, abstractmethod

from domain.deliveries import Delivery
from domain.secrets import Secret


class WebhookSender(ABC):
    @abstractmethod
    async def send(self, delivery: Delivery, secret: Secret) -> None:
        """Make one attempt: send the delivery's body to its URL, signed with `secret`, which begins
        with `whsec_`. Return if the receiver accepted it.

        Raises DeliveryFailed in every other case; its message holds nothing that the receiver sent,
        but for the status. The receiver may have got the message nevertheless: repeat it with the
        same id. Bounded in time, in the size of the answer, and in the number of requests: one.
        Addresses that a caller must not reach through this service are refused, whatever the name
        of the host resolves to at this moment. May be cancelled at any await.
        """
