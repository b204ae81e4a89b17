"""Waiting until Neon has done what it accepted: a success is a promise, not the thing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from adapters.neon.client import Client, path
from adapters.neon.errors import NotVisible
from adapters.neon.wire import OneOperation, Operation, Operations
from domain.errors import OutcomeUnknown, Unavailable
from ports.driven.clock import Clock

DONE = frozenset({"finished", "skipped"})
DEAD = frozenset({"error", "cancelled"})
"""`failed` is in neither: Neon may try again. All others, and those to come, are on their way."""

LONGEST_WORK = 300.0
LONGEST_FAILURE = 30.0
"""Seconds until what is still on its way, or stays `failed`, counts as lost."""

SHORTEST_PAUSE = 0.01
LONGEST_PAUSE = 5.0
"""Seconds between two looks at one operation."""

FIRST_GUESS = 0.05
"""Seconds that work is thought to take before any of its kind was; Neon tells of 50 to 90 ms."""

LATEST = 20
"""How many of a project's newest operations are looked at for unfinished ones."""


class OperationFailed(OutcomeUnknown):
    """Neon accepted the change, and its operation failed."""


@dataclass
class Pace:
    """When to ask: once, right after such work usually ends; then at growing intervals."""

    usual: dict[str, float] = field(default_factory=dict)

    def pauses(self, kind: str) -> Iterator[float]:
        usual = self.usual.get(kind, FIRST_GUESS)
        yield usual * 1.03  # a little late is one request, a little early are two
        pause = max(SHORTEST_PAUSE, usual / 16)
        while True:
            yield pause
            pause = min(pause * 2, LONGEST_PAUSE)

    def learn(self, kind: str, seconds: float) -> None:
        self.usual[kind] = (self.usual.get(kind, seconds) + seconds) / 2


@dataclass(frozen=True)
class Waiting:
    """For one project's operations, with as few requests as may be: the account's are counted."""

    client: Client
    project_id: str
    clock: Clock
    pace: Pace

    async def until_done(self, operations: Sequence[Operation], work: str = "") -> None:
        """Return when all of them are done; those of one request run in their order. `work` names
        what they are for: the same action takes longer for one than for another.

        Raises OutcomeUnknown when one failed, or takes too long: what was accepted stays wanted,
        and may or may not have come about.
        """
        for operation in operations:
            await self._until_done(operation, f"{operation.action}: {work}")

    async def until_settled(self) -> None:
        """The same for whatever goes on in the project: what a lost request began has operations
        that nobody told us."""
        found = await self.client.read(self._path(), Operations, limit=str(LATEST))
        ended = DONE | DEAD | {"failed"}
        going_on = [operation for operation in found.operations if operation.status not in ended]
        await self.until_done(going_on[::-1])  # the newest stands first

    async def _until_done(self, operation: Operation, kind: str) -> None:
        begin = self.clock.elapsed()
        pauses = self.pace.pauses(kind)
        while operation.status not in DONE:
            _check(operation.status, self.clock.elapsed() - begin)
            await self.clock.sleep(next(pauses))
            operation = await self._seen(operation, kind)

    async def _seen(self, operation: Operation, kind: str) -> Operation:
        try:
            found = await self.client.read(self._path(operation.id), OneOperation)
        except Unavailable:
            return operation  # hearing nothing says nothing about the work
        except NotVisible:
            return operation.model_copy(update={"status": "failed"})  # it may yet be seen
        if found.operation.status in DONE:
            self.pace.learn(kind, found.operation.total_duration_ms / 1000)
        return found.operation

    def _path(self, *parts: str) -> str:
        return path("projects", self.project_id, "operations", *parts)


def _check(status: str, waited: float) -> None:
    if status in DEAD:
        raise OperationFailed
    if status == "failed" and waited > LONGEST_FAILURE:
        raise OutcomeUnknown("Neon accepted the change, and its operation goes on failing.")
    if waited > LONGEST_WORK:
        raise OutcomeUnknown("Neon accepted the change, and does not come to its end.")
