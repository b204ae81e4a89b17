"""Create, list, test and delete webhooks."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.callers import ANYONE, Caller, Scope
from domain.errors import Forbidden, WebhookNotFound
from domain.event_types import EventType
from domain.ids import RANDOM_BYTES, new_id
from domain.passwords import PasswordDeriver
from domain.secrets import Secret
from domain.webhooks import (
    MAX_WEBHOOKS,
    PREFIX,
    DeliverySummary,
    Webhook,
    derive_signing_secret,
    validate_url,
)
from ports.driven.clock import Clock
from ports.driven.randomness import Randomness
from ports.driven.webhook_store import WebhookStore
from ports.use_cases.records import draw_nonce

NO_DELIVERIES = DeliverySummary()


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRequest:
    """Without `events`, the webhook gets all of them. With `sees_all`, it gets those of the
    databases of all callers."""

    url: str
    events: frozenset[EventType] = frozenset()
    sees_all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookStatus:
    """A webhook and its deliveries."""

    webhook: Webhook
    deliveries: DeliverySummary = NO_DELIVERIES


@dataclass(frozen=True, kw_only=True)
class ManageWebhooks:
    """Callers see their own webhooks; admins see all, and change all. `allows_http` accepts
    receivers without TLS."""

    webhooks: WebhookStore
    clock: Clock
    randomness: Randomness
    passwords: PasswordDeriver
    allows_http: bool = False

    async def create(
        self, request: WebhookRequest, caller: Caller = ANYONE
    ) -> tuple[WebhookStatus, Secret]:
        """Create a webhook. Return it with its secret, which is stored nowhere.

        Raises InvalidRequest, TooManyWebhooks, and Forbidden for a caller who may not read records,
        or not those of all callers.
        """
        caller.check_scope(Scope.READ)  # records are sent to the receiver
        if request.sees_all and not caller.can_see_all:
            raise Forbidden("Only an admin can get the events of all callers.")
        now = self.clock.now()
        webhook = Webhook(
            id=new_id(now, self.randomness.entropy(RANDOM_BYTES), PREFIX),
            caller=caller.name,
            url=validate_url(request.url, allows_http=self.allows_http),
            events=request.events or frozenset(EventType),
            sees_all=request.sees_all,
            created_at=now,
        ).with_new_secret(self.passwords, draw_nonce(self.randomness))
        await self.webhooks.add(webhook, MAX_WEBHOOKS)
        return WebhookStatus(webhook=webhook), self._derive_secret(webhook)

    async def list(self, caller: Caller = ANYONE) -> Sequence[WebhookStatus]:
        """Return the webhooks that the caller sees, newest first."""
        webhooks = await self.webhooks.list_all(None if caller.can_see_all else caller.name)
        summaries = await self.webhooks.summarize() if webhooks else {}
        return [
            WebhookStatus(webhook=each, deliveries=summaries.get(each.id, NO_DELIVERIES))
            for each in webhooks
        ]

    async def show(self, webhook_id: str, caller: Caller = ANYONE) -> WebhookStatus:
        """Return the webhook of that id. Raises WebhookNotFound."""
        return await self.summarize(await self.get(webhook_id, caller))

    async def rotate(
        self, webhook_id: str, caller: Caller = ANYONE
    ) -> tuple[WebhookStatus, Secret]:
        """Replace the secret. Return the webhook with the new one, which signs every delivery from
        now on, also the repeated ones. Raises WebhookNotFound."""
        webhook = await self.get(webhook_id, caller)
        rotated = webhook.with_new_secret(self.passwords, draw_nonce(self.randomness))
        await self.webhooks.update_secret(rotated)
        return await self.summarize(rotated), self._derive_secret(rotated)

    async def delete(self, webhook_id: str, caller: Caller = ANYONE) -> WebhookStatus:
        """Delete the webhook with its deliveries, and return it as it was. A delivery that is being
        sent may still arrive. Raises WebhookNotFound."""
        status = await self.show(webhook_id, caller)
        await self.webhooks.remove(status.webhook.id)
        return status

    async def get(self, webhook_id: str, caller: Caller) -> Webhook:
        """Return the webhook of that id. Raises WebhookNotFound, also for another caller's."""
        webhook = await self.webhooks.find(webhook_id)
        if webhook is None:
            raise WebhookNotFound(f"There is no webhook {webhook_id!r}.")
        return webhook.check_visible_to(caller)

    async def summarize(self, webhook: Webhook) -> WebhookStatus:
        """Return the webhook with the summary of its deliveries."""
        summaries = await self.webhooks.summarize()
        return WebhookStatus(webhook=webhook, deliveries=summaries.get(webhook.id, NO_DELIVERIES))

    def _derive_secret(self, webhook: Webhook) -> Secret:
        return derive_signing_secret(self.passwords, webhook.id, webhook.secret, webhook.nonce)
