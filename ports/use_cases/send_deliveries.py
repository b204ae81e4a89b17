"""Send the deliveries that are due to the receivers of webhooks."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from domain.deliveries import Delivery
from domain.delivery_lanes import DeliveryLanes
from domain.errors import DeliveryFailed, PgvendError, SecretUnknown
from domain.passwords import PasswordDeriver
from domain.webhooks import derive_signing_secret
from ports.driven.clock import Clock
from ports.driven.delivery_queue import DeliveryQueue
from ports.driven.leases import Leases
from ports.driven.metrics import DONE, NO_METRICS, Metrics, describe_outcome
from ports.driven.webhook_sender import WebhookSender

LEASE = "webhook-deliveries"
"""The lease of the replica that sends."""

PER_WEBHOOK = 4
"""The deliveries of one webhook that are claimed, and at most sent, at once."""

REPEAT_AFTER = timedelta(minutes=2)
"""The time after which a claimed delivery is repeated if its outcome was not stored, because the
service stopped. The attempts of a batch take less."""

CRASHED = "The service could not send the message: its log has the reason."

Batch = Sequence[Delivery]
"""Deliveries of one webhook, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryResult:
    """The delivery after an attempt. `error` is the reason for which the outcome was not stored, so
    that the delivery will be repeated; `crash` is an error without a translation."""

    delivery: Delivery
    is_accepted: bool = False
    error: PgvendError | None = None
    crash: Exception | None = None


@dataclass(frozen=True, kw_only=True)
class SendDeliveries:
    """Claims deliveries and makes one attempt for each. The receivers get each message at least
    once: an attempt whose outcome was not stored is repeated, with the same id.

    Messages about one database are sent one after the other in their order; one that fails is
    repeated later, when others may have been accepted.
    """

    queue: DeliveryQueue
    sender: WebhookSender
    leases: Leases
    clock: Clock
    passwords: PasswordDeriver
    metrics: Metrics = NO_METRICS
    lanes: DeliveryLanes = field(default_factory=DeliveryLanes)
    _work: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """Report that deliveries may be due, or that a lane is free."""
        self._work.set()

    async def wait_for_work(self) -> None:
        await self._work.wait()
        self._work.clear()

    async def claim(self) -> Batch:
        """Claim deliveries of one webhook, which `send` has to follow; none if none are due, or all
        lanes are taken. Raises Unavailable."""
        if not self.lanes.has_room:
            return ()
        now = self.clock.now()
        batch = await self.queue.claim(
            now,
            now + REPEAT_AFTER,
            webhooks=1,
            per_webhook=PER_WEBHOOK,
            without=self.lanes.list_excluded(),
        )
        if batch:
            self.lanes.enter(batch[0].webhook_id)
        return batch

    async def send(self, batch: Batch) -> Sequence[DeliveryResult]:
        """Make one attempt for each delivery of the batch, and store its outcome."""
        started_at, has_failed = self.clock.elapsed(), True
        try:
            sending = (self._send_in_order(each) for each in _group_by_database(batch))
            results = [result for each in await asyncio.gather(*sending) for result in each]
            has_failed = not all(result.is_accepted for result in results)
        finally:
            seconds = self.clock.elapsed() - started_at
            self.lanes.leave(batch[0].webhook_id, seconds=seconds, has_failed=has_failed)
            self.wake()
        return results

    async def _send_in_order(self, deliveries: Batch) -> Sequence[DeliveryResult]:
        return [await self._send_one(delivery) for delivery in deliveries]

    async def _send_one(self, delivery: Delivery) -> DeliveryResult:
        try:
            await self._attempt(delivery)
        except DeliveryFailed as failure:
            return await self._store_failure(delivery, failure)
        except SecretUnknown as error:
            return await self._store_failure(delivery, DeliveryFailed(str(error)))
        except Exception as error:
            return await self._store_failure(delivery, DeliveryFailed(CRASHED), error)
        try:
            await self.queue.remove(delivery)
        except PgvendError as error:
            return DeliveryResult(delivery=delivery, is_accepted=True, error=error)
        return DeliveryResult(delivery=delivery, is_accepted=True)

    async def _store_failure(
        self, delivery: Delivery, failure: DeliveryFailed, crash: Exception | None = None
    ) -> DeliveryResult:
        failed = delivery.fail(failure, self.clock.now())
        try:
            await self.queue.update(failed)
        except PgvendError as error:
            return DeliveryResult(delivery=failed, error=error, crash=crash)
        return DeliveryResult(delivery=failed, crash=crash)

    async def _attempt(self, delivery: Delivery) -> None:
        started_at, outcome = self.clock.elapsed(), DONE
        secret = derive_signing_secret(
            self.passwords, delivery.webhook_id, delivery.secret, delivery.nonce
        )
        try:
            await self.sender.send(delivery, secret)
        except BaseException as error:
            outcome = describe_outcome(error)
            raise
        finally:
            self.metrics.count_delivery(outcome, self.clock.elapsed() - started_at)


def _group_by_database(batch: Batch) -> Iterable[Batch]:
    groups: dict[str, list[Delivery]] = {}
    for delivery in batch:
        groups.setdefault(delivery.database_id, []).append(delivery)
    return groups.values()
