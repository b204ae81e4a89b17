"""Guard a server against tenants that hold up the others."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from domain.errors import PgvendError
from domain.guard_policy import GuardPolicy
from domain.server_snapshot import (
    Capacity,
    Concern,
    PreparedTransaction,
    ServerSnapshot,
    Session,
    Termination,
)
from domain.xid_usage import XidUsage
from ports.driven.clock import Clock
from ports.driven.guard import Guard
from ports.driven.metrics import DONE, NO_METRICS, Metrics

INTERVAL = 2.0
"""Seconds between two inspections."""

ALERT_INTERVAL = 0.25
ALERT_DURATION = 10.0
"""The interval, and the seconds for which it holds: after an ending, because an attacker tends to
come back, and after the guard lost its session, which it needs before an attack begins."""

RETRY_DELAY = 30.0
"""Seconds from a failed attempt to roll back to the next one."""


class GuardState(StrEnum):
    STARTING = "starting"
    WATCHING = "watching"
    AWAY = "away"
    """The server did not answer the last inspection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardStatus:
    """The result of the last inspection, and the counts since the service started."""

    state: GuardState = GuardState.STARTING
    concerns: Sequence[Concern] = ()
    ended_sessions: int = 0
    rolled_back: int = 0
    oldest_age: int | None = None
    connections: Capacity | None = None
    disk: Capacity | None = None


@dataclass(frozen=True, slots=True)
class EndingResult:
    """An ending, and its error, if there was one."""

    termination: Termination
    error: PgvendError | None = None


@dataclass
class GuardServer:
    """Rolling back needs a login, which may wait for sessions that the next inspections find. It
    therefore runs in the background, and a later call returns its result."""

    guard: Guard
    policy: GuardPolicy
    clock: Clock
    interval: float = INTERVAL
    metrics: Metrics = NO_METRICS
    status: GuardStatus = field(default_factory=GuardStatus, init=False)
    _xid_usage: XidUsage = field(init=False, repr=False)
    _xid_usage_at: float | None = field(default=None, init=False, repr=False)
    _alert_until: float = field(default=0.0, init=False, repr=False)
    _ending: set[tuple[int, int]] = field(default_factory=set, init=False, repr=False)
    _retry_at: dict[str, float] = field(default_factory=dict, init=False, repr=False)
    _rollbacks: dict[str, asyncio.Task[EndingResult]] = field(
        default_factory=dict, init=False, repr=False
    )

    def __post_init__(self) -> None:
        self._xid_usage = self.policy.xid_usage

    @property
    def pause(self) -> float:
        """Seconds until the next inspection."""
        return ALERT_INTERVAL if self.clock.elapsed() < self._alert_until else self.interval

    async def __call__(self) -> list[EndingResult]:
        """Inspect the server once, end what the policy demands, and return the results.

        Raises ProviderBusy and ProviderRejected if the server cannot be inspected.
        """
        try:
            snapshot = await self.guard.inspect()
        except BaseException:
            if self.status.state is not GuardState.AWAY:
                self._start_alert()
            self.status = replace(self.status, state=GuardState.AWAY)
            raise
        self._update_status(snapshot)
        terminations = self.policy.find_terminations(snapshot, self._xid_usage)
        if terminations:
            self._start_alert()
        results = [*self._collect_rollbacks(), *await self._end_all(terminations)]
        if self.policy.should_yield(snapshot):
            await self.guard.release_locks()
        self._count(results)
        return results

    async def close(self) -> None:
        """Cancel the rollbacks in progress; the next guard starts them again."""
        for task in self._rollbacks.values():
            task.cancel()
        await asyncio.gather(*self._rollbacks.values(), return_exceptions=True)

    def _start_alert(self) -> None:
        self._alert_until = self.clock.elapsed() + ALERT_DURATION

    def _update_status(self, snapshot: ServerSnapshot) -> None:
        now = self.clock.elapsed()
        if self._xid_usage_at is None or now - self._xid_usage_at >= self.interval:
            self._xid_usage, self._xid_usage_at = self._xid_usage.with_snapshot(snapshot), now
        present = {(session.pid, session.role) for session in snapshot.sessions}
        self._ending &= present
        gids = {prepared.gid for prepared in snapshot.prepared}
        self._retry_at = {gid: at for gid, at in self._retry_at.items() if gid in gids}
        self.status = replace(
            self.status,
            state=GuardState.WATCHING,
            concerns=tuple(self.policy.find_concerns(snapshot)),
            oldest_age=snapshot.oldest_age,
            connections=snapshot.connections,
            disk=snapshot.disk,
        )

    async def _end_all(self, terminations: Sequence[Termination]) -> list[EndingResult]:
        """End the sessions. Count each session once, even if it takes several calls to end."""
        results = []
        for termination in terminations:
            suspect = termination.suspect
            if isinstance(suspect, PreparedTransaction):
                self._start_rollback(termination, suspect)
            else:
                result = await self._end(termination, suspect)
                if result and (suspect.pid, suspect.role) not in self._ending:
                    results.append(result)
                self._ending.add((suspect.pid, suspect.role))
        return results

    async def _end(self, termination: Termination, session: Session) -> EndingResult | None:
        try:
            return EndingResult(termination) if await self.guard.end(session) else None
        except PgvendError as error:
            return EndingResult(termination, error)

    def _start_rollback(self, termination: Termination, prepared: PreparedTransaction) -> None:
        is_early = self.clock.elapsed() < self._retry_at.get(prepared.gid, 0.0)
        if prepared.gid not in self._rollbacks and not is_early:
            self._rollbacks[prepared.gid] = asyncio.create_task(
                self._roll_back(termination, prepared)
            )

    async def _roll_back(
        self, termination: Termination, prepared: PreparedTransaction
    ) -> EndingResult:
        try:
            await self.guard.roll_back(prepared)
        except PgvendError as error:
            self._retry_at[prepared.gid] = self.clock.elapsed() + RETRY_DELAY
            return EndingResult(termination, error)
        return EndingResult(termination)

    def _collect_rollbacks(self) -> list[EndingResult]:
        done = [gid for gid, task in self._rollbacks.items() if task.done()]
        return [self._rollbacks.pop(gid).result() for gid in done]

    def _count(self, results: Sequence[EndingResult]) -> None:
        for each in results:
            outcome = each.error.code if each.error else DONE
            self.metrics.count_ending(each.termination.reason, outcome)
        done = [each.termination.suspect for each in results if each.error is None]
        rolled_back = sum(isinstance(suspect, PreparedTransaction) for suspect in done)
        self.status = replace(
            self.status,
            ended_sessions=self.status.ended_sessions + len(done) - rolled_back,
            rolled_back=self.status.rolled_back + rolled_back,
        )
