"""The loop that sends deliveries to the receivers of webhooks while the service runs."""

import asyncio
from dataclasses import dataclass

from structlog.stdlib import BoundLogger

from domain.errors import PgvendError
from ports.driven.cancellation import wait_for_first
from ports.driven.clock import Clock
from ports.use_cases.send_deliveries import LEASE, Batch, DeliveryResult, SendDeliveries

LEASE_INTERVAL = 15.0
"""Seconds until a replica that does not send asks again, and until the next try after an error."""


@dataclass(frozen=True)
class DeliveryLoop:
    """Looks for deliveries every `interval` seconds, after each attempt, and when it is woken; 0
    disables it. Of several replicas, one sends."""

    send: SendDeliveries
    interval: float
    clock: Clock
    log: BoundLogger

    async def run_forever(self) -> None:
        while self.interval:
            try:
                async with self.send.leases.acquire(LEASE) as is_acquired:
                    if is_acquired:
                        await self._send_until_error()
            except PgvendError as error:
                self.log.warning("webhooks.failed", error=error.code, detail=str(error))
            except Exception:
                self.log.exception("webhooks.crashed")
            await self.clock.sleep(LEASE_INTERVAL)

    async def _send_until_error(self) -> None:
        """Raises the first error of the registry, with which the lease may be lost too, when the
        running attempts have ended."""
        async with asyncio.TaskGroup() as attempts:
            error = await self._start_until_error(attempts)
        raise error

    async def _start_until_error(self, attempts: asyncio.TaskGroup) -> Exception:
        """Return the error: raised within the group, it would cancel the attempts."""
        while True:
            try:
                await self._start_due(attempts)
            except Exception as error:
                return error
            await wait_for_first(self.send.wait_for_work(), self.clock.sleep(self.interval))

    async def _start_due(self, attempts: asyncio.TaskGroup) -> None:
        while batch := await self.send.claim():
            attempts.create_task(self._send_batch(batch))

    async def _send_batch(self, batch: Batch) -> None:
        try:
            for result in await self.send.send(batch):
                self._log_result(result)
        except Exception:
            self.log.exception("webhooks.crashed")

    def _log_result(self, result: DeliveryResult) -> None:
        """Log what the log of the attempt does not say."""
        delivery = result.delivery
        fields = {"id": delivery.id, "webhook": delivery.webhook_id}
        if result.crash:
            self.log.error("webhooks.crashed", **fields, exc_info=result.crash)
        if result.error:
            error = result.error
            self.log.warning("webhooks.repeated", **fields, error=error.code, detail=str(error))
        elif not result.is_accepted and delivery.is_given_up:
            self.log.warning(
                "webhooks.given_up", **fields, attempts=delivery.attempts, detail=delivery.error
            )
