"""Sample the metrics that need questions to the registry and the provider."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

from domain.errors import PgvendError
from domain.lifecycle import State
from domain.webhooks import DeliverySummary
from ports.driven.clock import Clock
from ports.driven.metrics import Metrics, Sample
from ports.driven.registry import Registry
from ports.driven.webhook_store import WebhookStore
from ports.use_cases.check_health import OK, CheckHealth
from ports.use_cases.guard_server import GuardServer, GuardState
from ports.use_cases.running_creations import RunningCreations

MIN_PAUSE = 10.0
"""Seconds between two samples."""

PAUSES = 20
"""A pause lasts at least that many times as long as the sample before it: reading the counts of
very many records must not become a load."""

TIMEOUT = 10.0
"""Seconds to count the records."""


@dataclass(kw_only=True)
class SampleMetrics:
    """No collection of metrics waits for a server: it shows the last sample, and orders the next
    one. Without collections nothing is sampled."""

    check_health: CheckHealth
    registry: Registry
    webhooks: WebhookStore
    running: RunningCreations
    guard: GuardServer | None
    clock: Clock
    metrics: Metrics
    _due_at: float = field(default=-inf, init=False)

    def reserve(self) -> bool:
        """Return whether a sample is due, which the caller then takes: no other call does."""
        is_due = self.clock.elapsed() >= self._due_at
        if is_due:
            self._due_at = inf
        return is_due

    async def __call__(self) -> None:
        """Take the sample. Never raises a PgvendError."""
        started_at = self.clock.elapsed()
        try:
            health, databases, deliveries = await asyncio.gather(
                self.check_health(), self._count_databases(), self._count_deliveries()
            )
            sample = Sample(
                at=self.clock.now(),
                health={part: outcome == OK for part, outcome in health.checks.items()},
                databases=databases,
                spares=health.spares,
                deliveries=deliveries,
            )
            self.metrics.set_sample(sample)
        finally:
            ended_at = self.clock.elapsed()
            self._due_at = ended_at + max(MIN_PAUSE, PAUSES * (ended_at - started_at))

    def update(self) -> None:
        """Set the metrics of what this process knows without asking."""
        self.metrics.set_running_creations(self.running.number)
        if self.guard:
            status = self.guard.status
            self.metrics.set_guard(
                is_watching=status.state is GuardState.WATCHING,
                concerns=status.concerns,
                oldest_age=status.oldest_age,
                connections=status.connections,
                disk=status.disk,
            )

    async def _count_databases(self) -> Mapping[State, int]:
        """Return the number of records by state, nothing if the registry does not answer."""
        try:
            async with asyncio.timeout(TIMEOUT):
                return await self.registry.count_states()
        except (PgvendError, TimeoutError):
            return {}

    async def _count_deliveries(self) -> DeliverySummary | None:
        """Return the sums of all webhooks, None if the registry does not answer."""
        try:
            async with asyncio.timeout(TIMEOUT):
                summaries = (await self.webhooks.summarize()).values()
        except (PgvendError, TimeoutError):
            return None
        return DeliverySummary(
            waiting=sum(each.waiting for each in summaries),
            given_up=sum(each.given_up for each in summaries),
        )
