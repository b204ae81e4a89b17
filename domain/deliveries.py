"""Deliveries: messages for the receivers of webhooks, and the times at which they are repeated."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.errors import DeliveryFailed

PAUSES = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=20),
)
"""The pauses after the first attempt, the second, and so on: three days in total."""

LONGEST_PAUSE = timedelta(hours=24)
"""A receiver can ask for a longer pause, up to this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message for the receiver of one webhook.

    `id` identifies the message: it is the same in every attempt, so that a receiver can discard a
    repetition, and the same for all webhooks that announce the event. `database_id` is empty in a
    test message. `body` is signed and sent as it is. `secret` is the name of the service's secret
    that the webhook's own secret is derived from, together with the webhook's id and `nonce`.

    `attempts` counts the attempts that failed, and `error` describes the last of them. `due_at` is
    the time of the next attempt, None after the delivery was given up.
    """

    id: str
    webhook_id: str
    database_id: str = ""
    url: str
    body: bytes
    secret: str = ""
    nonce: str = ""
    attempts: int = 0
    due_at: datetime | None = None
    error: str = ""

    @property
    def is_given_up(self) -> bool:
        return self.due_at is None

    def fail(self, failure: DeliveryFailed, now: datetime) -> "Delivery":
        """Return the delivery after another failed attempt: to be repeated, or given up."""
        pause = self._choose_pause(failure)
        return replace(
            self,
            attempts=self.attempts + 1,
            due_at=None if pause is None else now + pause,
            error=str(failure),
        )

    def _choose_pause(self, failure: DeliveryFailed) -> timedelta | None:
        """Return None to give up."""
        if not failure.retryable or self.attempts >= len(PAUSES):
            return None
        requested = timedelta(seconds=failure.retry_after or 0)
        return max(PAUSES[self.attempts], min(requested, LONGEST_PAUSE))
