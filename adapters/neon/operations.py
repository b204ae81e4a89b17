"""Waiting for Neon's operations: a successful response means accepted, not done."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from adapters.neon.api_models import Operation, OperationResponse, Operations
from adapters.neon.client import Client, build_path
from adapters.neon.errors import NotVisible
from adapters.neon.pace import Pace
from domain.errors import OutcomeUnknown, Unavailable
from ports.driven.clock import Clock

DONE = frozenset({"finished", "skipped"})
ABORTED = frozenset({"error", "cancelled"})
"""`failed` is in neither set: Neon may retry. Every other status, known or not, is pending."""

OPERATION_TIMEOUT = 300.0
FAILURE_TIMEOUT = 30.0
"""Seconds after which a pending operation, or one that stays `failed`, counts as lost."""

LATE_GUESSES = 2
"""How often an operation's end is guessed again."""

RECENT_OPERATIONS = 20
"""How many of a project's newest operations are checked for unfinished ones."""


class OperationFailed(OutcomeUnknown):
    """Neon accepted the change, but its operation failed; retry the request."""


@dataclass(frozen=True, slots=True)
class Change:
    """An accepted change. Its `purpose` names it: the duration of an action depends on it."""

    purpose: str
    operations: Sequence[Operation]

    def list_kinds(self) -> dict[str, str]:
        """Return the kind of each unfinished operation, by its id."""
        return {
            operation.id: f"{operation.action}: {self.purpose}"
            for operation in self.operations
            if operation.status not in DONE
        }


@dataclass(frozen=True)
class OperationWaiter:
    """Waits for one project's operations with few requests, because the account limits them."""

    client: Client
    project_id: str
    clock: Clock
    pace: Pace

    async def wait_until_done(self, change: Change, waited: float = 0.0) -> None:
        """Wait until all operations of the change are done; they run in order. The caller has
        `waited` so many seconds for the first one already.

        Raises OutcomeUnknown if an operation fails or takes too long: the change may or may not
        have been made.
        """
        kinds = change.list_kinds()
        for operation in change.operations:
            if operation.id in kinds:
                await self._wait_until_done(operation, kinds[operation.id], waited)
                waited = 0.0

    def guess_pauses(self, change: Change) -> Iterator[float]:
        """Return the pause after which such operations usually are done, and short ones for when
        they are not; none if their duration is unknown."""
        kinds = list(change.list_kinds().values())
        if all(map(self.pace.knows, kinds)):
            pauses = [self._iterate_pauses(kind) for kind in kinds]
            yield sum(map(next, pauses))
            for later in pauses[-1:]:
                yield from islice(later, LATE_GUESSES)

    async def wait_until_all_done(self, *changes: Change) -> None:
        """Wait until the operations of the changes are done, which run one after the other. One
        request asks for all of them. Raises as `wait_until_done` does."""
        started_at = self.clock.elapsed()
        kinds = dict(chain.from_iterable(change.list_kinds().items() for change in changes))
        pauses = self._iterate_pauses(next(reversed(kinds.values()), ""))
        while kinds:
            await self.clock.sleep(next(pauses))
            listed = await self._list_recent()
            waited = self.clock.elapsed() - started_at
            for operation, kind in list(kinds.items()):
                if operation not in listed:  # not visible yet
                    _check_progress("", waited)
                elif self._is_done(listed[operation], kind):
                    del kinds[operation]
                else:
                    _check_progress(listed[operation].status, waited)

    async def wait_until_settled(self) -> None:
        """Wait until the project has no unfinished operations, including those of requests whose
        response was lost."""
        ended = DONE | ABORTED | {"failed"}
        recent = await self._read_recent()
        unfinished = [operation for operation in recent if operation.status not in ended]
        await self.wait_until_done(Change("", unfinished[::-1]))  # the newest stands first

    def _iterate_pauses(self, kind: str, waited: float = 0.0) -> Iterator[float]:
        return self.pace.iterate_pauses(kind, self.client.budget, waited)

    async def _wait_until_done(self, operation: Operation, kind: str, waited: float) -> None:
        started_at = self.clock.elapsed() - waited
        pauses = self._iterate_pauses(kind, waited)
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
        self._is_done(response.operation, kind)
        return response.operation

    async def _list_recent(self) -> Mapping[str, Operation]:
        """Return the newest operations by id; none if they cannot be read."""
        try:
            return {operation.id: operation for operation in await self._read_recent()}
        except (Unavailable, NotVisible):
            return {}

    async def _read_recent(self) -> Sequence[Operation]:
        limit = str(RECENT_OPERATIONS)
        return (await self.client.read(self._build_path(), Operations, limit=limit)).operations

    def _is_done(self, operation: Operation, kind: str) -> bool:
        """Return whether the operation is done, and learn its duration."""
        if operation.status not in DONE:
            return False
        self.pace.learn(kind, operation.total_duration_ms / 1000)
        return True

    def _build_path(self, *parts: str) -> str:
        return build_path("projects", self.project_id, "operations", *parts)


def _check_progress(status: str, waited: float) -> None:
    if status in ABORTED:
        raise OperationFailed
    if status == "failed" and waited > FAILURE_TIMEOUT:
        raise OutcomeUnknown("Neon accepted the change, but its operation keeps failing; retry.")
    if waited > OPERATION_TIMEOUT:
        raise OutcomeUnknown("Neon accepted the change, but its operation does not finish; retry.")
