"""The metrics of the service, for operators."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.errors import PgvendError
from domain.lifecycle import State
from domain.reconciliation import ReconcileAction
from domain.server_snapshot import Capacity, Concern, Reason
from domain.spares import SpareLevel
from domain.webhooks import DeliverySummary

DONE = "done"
CANCELLED = "cancelled"
INTERNAL_ERROR = "internal_error"
"""Outcomes besides the codes of errors."""


class CreationPath(StrEnum):
    """The ways to provision a database."""

    COLD = "cold"  # from nothing
    POOLED = "pooled"  # from a spare, of a template or not
    COPIED = "copied"  # from a template or a database, without a spare


class Lock(StrEnum):
    """What calls wait for inside this process, or on the server."""

    QUEUE = "queue"  # the turn, at a provider that accepts one change at a time
    PLACE = "place"  # a place among the calls of a kind, such as creations, that may run at once
    SESSION = "session"  # a session of the provider's pool
    TENANT = "tenant"  # the lock of the database's owner on the server


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Facts that the registry and the provider were asked for at that time. Those that were not
    answered are empty. `health` says for each part whether it answers; `deliveries` are those of
    all webhooks together."""

    at: datetime
    health: Mapping[str, bool]
    databases: Mapping[State, int] = field(default_factory=dict)
    spares: Sequence[SpareLevel] = ()
    deliveries: DeliverySummary | None = None


class Metrics:
    """Counts what happens. This class counts nothing; an implementation overrides its methods.

    No method waits, fails, or takes a value that a caller of the service chose: every value would
    be a time series of its own, for ever. Texts are error codes, and names in the code or in the
    settings. An `outcome` is `done` or the code of an error.
    """

    def count_request(
        self, method: str, route: str, status: int, seconds: float | None = None
    ) -> None:
        """Count an answered request, with its duration unless it was a stream."""

    def count_creation(self, path: CreationPath, outcome: str, seconds: float) -> None:
        """Count a creation, and the time from its record to its end."""

    def set_running_creations(self, count: int) -> None:
        """Set the number of creations that run in this process."""

    def count_step(self, step: str, outcome: str, seconds: float) -> None:
        """Count a call to a port: the provider, the registry, the login check and others."""

    def count_neon_request(self, method: str, outcome: str, seconds: float) -> None:
        """Count a request to Neon's API."""

    def count_retry(self, error: str) -> None:
        """Count a repetition of a step after an error of that code."""

    def count_wait(self, lock: Lock, seconds: float) -> None:
        """Count an acquisition of a lock, and the time until then."""

    def set_queue_length(self, length: int) -> None:
        """Set the number of calls that run or wait at a provider that accepts one at a time."""

    def count_queue_refusal(self) -> None:
        """Count a call that was refused because the queue is full or too slow."""

    def count_reconciliation(self, outcome: str, at: datetime) -> None:
        """Count a run of the reconciler."""

    def count_reconciler_task(self, action: ReconcileAction, outcome: str) -> None:
        """Count a task of the reconciler."""

    def set_unresolved(self, counts: Mapping[ReconcileAction, int]) -> None:
        """Set the numbers of tasks that the last complete run left unresolved."""

    def set_sizes(self, sizes: Sequence[int]) -> None:
        """Set the sizes in bytes of all databases that could be measured."""

    def count_ending(self, reason: Reason, outcome: str) -> None:
        """Count an attempt of the guard to end a session or a prepared transaction."""

    def set_guard(
        self,
        *,
        is_watching: bool,
        concerns: Collection[Concern],
        oldest_age: int | None,
        connections: Capacity | None,
        disk: Capacity | None,
    ) -> None:
        """Set what the guard saw last. None is unknown."""

    def set_sample(self, sample: Sample) -> None:
        """Replace the sample."""

    def count_delivery(self, outcome: str, seconds: float) -> None:
        """Count an attempt to deliver a webhook."""

    def count_export(self, outcome: str, seconds: float) -> None:
        """Count an export of an expired database."""


NO_METRICS = Metrics()


@dataclass(frozen=True, slots=True)
class Exposition:
    """All metrics as text, and its media type."""

    content_type: str
    body: bytes


class MetricsReport(ABC):
    """What was counted."""

    @abstractmethod
    def render(self, accept: str) -> Exposition:
        """Return all metrics, in the format that this Accept header asks for."""


def describe_outcome(error: BaseException) -> str:
    """Return the outcome of a call that raised the error."""
    if isinstance(error, PgvendError):
        return error.code
    return CANCELLED if isinstance(error, asyncio.CancelledError) else INTERNAL_ERROR
