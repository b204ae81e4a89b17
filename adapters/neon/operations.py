"""Waiting for Neon's operations: a successful response means accepted, not done."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from adapters.neon.api_models import Operation, OperationResponse, Operations
from adapters.neon.client import Client, build_path
from adapters.neon.errors import NotVisible
from domain.errors import OutcomeUnknown, Unavailable
from ports.driven.clock import Clock

DONE = frozenset({"finished", "skipped"})
ABORTED = frozenset({"error", "cancelled"})
"""`failed` is in neither set: Neon may retry. Every other status, known or not, is pending."""

OPERATION_TIMEOUT = 300.0
FAILURE_TIMEOUT = 30.0
"""Seconds after which a pending operation, or one that stays `failed`, counts as lost."""

MIN_POLL_PAUSE = 0.01
MAX_POLL_PAUSE = 5.0
"""Seconds between two polls of one operation."""

DEFAULT_DURATION = 0.05
"""Assumed duration in seconds before the first measurement; Neon reports 50 to 90 ms."""

RECENT_OPERATIONS = 20
"""How many of a project's newest operations are checked for unfinished ones."""


class OperationFailed(OutcomeUnknown):
    """Neon accepted the change, but its operation failed; retry the request."""


@dataclass
class Pace:
    """Times to poll: first just after the usual duration of the operation, later if it varies, then
    at growing intervals."""

    usual: dict[str, float] = field(default_factory=dict)
    deviation: dict[str, float] = field(default_factory=dict)
    """How far recent durations were from the usual one, by the kind of operation."""

    def iterate_pauses(self, kind: str) -> Iterator[float]:
        usual = self.usual.get(kind, DEFAULT_DURATION)
        # slightly late costs one request, slightly early two
        yield usual * 1.03 + min(self.deviation.get(kind, 0.0), usual / 2)
        pause = max(MIN_POLL_PAUSE, usual / 16)
        while True:
            yield pause
            pause = min(pause * 2, MAX_POLL_PAUSE)

    def learn(self, kind: str, seconds: float) -> None:
        usual = self.usual.get(kind, seconds)
        self.deviation[kind] = (self.deviation.get(kind, 0.0) + abs(seconds - usual)) / 2
        self.usual[kind] = (usual + seconds) / 2


@dataclass(frozen=True)
class OperationWaiter:
    """Waits for one project's operations with few requests, because the account limits them."""

    client: Client
    project_id: str
    clock: Clock
    pace: Pace

    async def wait_until_done(self, operations: Sequence[Operation], purpose: str = "") -> None:
        """Wait until all operations are done; those of one request run in order.

        `purpose` names the change: the duration of an action depends on it. Raises OutcomeUnknown
        if an operation fails or takes too long: the change may or may not have been made.
        """
        for operation in operations:
            await self._wait_until_done(operation, f"{operation.action}: {purpose}")

    async def wait_until_settled(self) -> None:
        """Wait until the project has no unfinished operations, including those of requests whose
        response was lost."""
        response = await self.client.read(
            self._build_path(), Operations, limit=str(RECENT_OPERATIONS)
        )
        ended = DONE | ABORTED | {"failed"}
        unfinished = [
            operation for operation in response.operations if operation.status not in ended
        ]
        await self.wait_until_done(unfinished[::-1])  # the newest stands first

    async def _wait_until_done(self, operation: Operation, kind: str) -> None:
        started_at = self.clock.elapsed()
        pauses = self.pace.iterate_pauses(kind)
        while operation.status not in DONE:
            _check_progress(operation.status, self.clock.elapsed() - started_at)
            await self.clock.sleep(next(pauses))
            operation = await self._refresh(operation, kind)

    async def _refresh(self, operation: Operation, kind: str) -> Operation:
        try:
            response = await self.client.read(self._build_path(operation.id), OperationResponse)
        except Unavailable:
            return operation  # assume that the status is unchanged
        except NotVisible:
            return operation.model_copy(update={"status": "failed"})  # it may appear later
        if response.operation.status in DONE:
            self.pace.learn(kind, response.operation.total_duration_ms / 1000)
        return response.operation

    def _build_path(self, *parts: str) -> str:
        return build_path("projects", self.project_id, "operations", *parts)


def _check_progress(status: str, waited: float) -> None:
    if status in ABORTED:
        raise OperationFailed
    if status == "failed" and waited > FAILURE_TIMEOUT:
        raise OutcomeUnknown("Neon accepted the change, but its operation keeps failing; retry.")
    if waited > OPERATION_TIMEOUT:
        raise OutcomeUnknown("Neon accepted the change, but its operation does not finish; retry.")
