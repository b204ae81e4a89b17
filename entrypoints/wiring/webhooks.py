"""The use cases of webhooks, created over their adapters."""

from dataclasses import dataclass
from functools import cached_property

from domain.passwords import PasswordDeriver
from entrypoints.config.settings import Settings
from entrypoints.wiring.tracing import Tracing, use_case
from ports.driven.announcements import Announcements
from ports.driven.clock import Clock
from ports.driven.delivery_queue import DeliveryQueue
from ports.driven.leases import Leases
from ports.driven.metrics import Metrics
from ports.driven.randomness import Randomness
from ports.driven.registry import Registry
from ports.driven.webhook_sender import WebhookSender
from ports.driven.webhook_store import WebhookStore
from ports.use_cases.announce_events import AnnounceEvents, RenderEvent
from ports.use_cases.manage_webhooks import ManageWebhooks
from ports.use_cases.send_deliveries import SendDeliveries
from ports.use_cases.send_test_message import SendTestMessage


@dataclass(frozen=True, kw_only=True)
class Webhooks:
    """The webhooks of callers, and the events that are announced to them."""

    settings: Settings
    clock: Clock
    randomness: Randomness
    passwords: PasswordDeriver
    registry: Registry
    leases: Leases
    store: WebhookStore
    deliveries: DeliveryQueue
    announcements: Announcements
    sender: WebhookSender
    metrics: Metrics
    tracing: Tracing | None = None

    @use_case
    def manage(self) -> ManageWebhooks:
        return ManageWebhooks(
            webhooks=self.store,
            clock=self.clock,
            randomness=self.randomness,
            passwords=self.passwords,
            allows_http=bool(self.settings.webhook_allow_networks),
        )

    @use_case
    def send_test_message(self) -> SendTestMessage:
        return SendTestMessage(
            manage=self.manage,
            sender=self.sender,
            leases=self.leases,
            clock=self.clock,
            randomness=self.randomness,
            passwords=self.passwords,
        )

    @cached_property
    def send(self) -> SendDeliveries:
        """Without spans, because it searches for deliveries all the time."""
        return SendDeliveries(
            queue=self.deliveries,
            sender=self.sender,
            leases=self.leases,
            clock=self.clock,
            passwords=self.passwords,
            metrics=self.metrics,
        )

    def announce(self, render: RenderEvent) -> AnnounceEvents:
        """Return the use case that announces events in messages with these bodies."""
        return AnnounceEvents(
            registry=self.registry,
            webhooks=self.store,
            announcements=self.announcements,
            leases=self.leases,
            clock=self.clock,
            notice=self.settings.webhook_expiry_notice,
            render=render,
        )
