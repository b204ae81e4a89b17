"""Guard a server against tenants that hold up the others."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from domain.errors import PgvendError
from domain.guard_policy import GuardPolicy
from domain.server_snapshot import Concern, Ending, Look, Prepared, Room, Session
from domain.xid_usage import Burning
from ports.driven.clock import Clock
from ports.driven.guard import Guard

PACE = 2.0
"""Seconds between two inspections."""

ALERT_PACE = 0.25
ALERT = 10.0
"""The interval, and the seconds for which it holds: after an ending, because an attacker tends to
come back, and after the guard lost its session, which it needs before an attack begins."""

RETRY = 30.0
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
    places: Room | None = None
    disk: Room | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """An ending, and its error, if there was one."""

    ending: Ending
    error: PgvendError | None = None


@dataclass
class GuardServer:
    """Rolling back needs a login, which may wait for sessions that the next inspections find. It
    therefore runs in the background, and a later call returns its result."""

    guard: Guard
    policy: GuardPolicy
    clock: Clock
    pace: float = PACE
    status: GuardStatus = field(default_factory=GuardStatus, init=False)
    _burning: Burning = field(init=False, repr=False)
    _burning_at: float | None = field(default=None, init=False, repr=False)
    _alert_until: float = field(default=0.0, init=False, repr=False)
    _asked: set[tuple[int, int]] = field(default_factory=set, init=False, repr=False)
    _retry_at: dict[str, float] = field(default_factory=dict, init=False, repr=False)
    _rolling: dict[str, asyncio.Task[Outcome]] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        self._burning = self.policy.burning

    @property
    def pause(self) -> float:
        """Seconds until the next inspection."""
        return ALERT_PACE if self.clock.elapsed() < self._alert_until else self.pace

    async def __call__(self) -> list[Outcome]:
        """Inspect the server once, end what the policy demands, and return the results.

        Raises ProviderBusy and ProviderRejected if the server cannot be inspected.
        """
        try:
            snapshot = await self.guard.look()
        except BaseException:
            if self.status.state is not GuardState.AWAY:
                self._be_alert()
            self.status = replace(self.status, state=GuardState.AWAY)
            raise
        self._remember(snapshot)
        endings = self.policy.endings(snapshot, self._burning)
        if endings:
            self._be_alert()
        outcomes = [*self._rolled_back(), *await self._ended(endings)]
        if self.policy.steps_aside(snapshot):
            await self.guard.step_aside()
        self._count(outcomes)
        return outcomes

    async def close(self) -> None:
        """Cancel the rollbacks in progress; the next guard starts them again."""
        for task in self._rolling.values():
            task.cancel()
        await asyncio.gather(*self._rolling.values(), return_exceptions=True)

    def _be_alert(self) -> None:
        self._alert_until = self.clock.elapsed() + ALERT

    def _remember(self, snapshot: Look) -> None:
        now = self.clock.elapsed()
        if self._burning_at is None or now - self._burning_at >= self.pace:
            self._burning, self._burning_at = self._burning.after(snapshot), now
        present = {(session.pid, session.role) for session in snapshot.sessions}
        self._asked &= present
        gids = {prepared.gid for prepared in snapshot.prepared}
        self._retry_at = {gid: at for gid, at in self._retry_at.items() if gid in gids}
        self.status = replace(
            self.status,
            state=GuardState.WATCHING,
            concerns=tuple(self.policy.concerns(snapshot)),
            oldest_age=snapshot.oldest_age,
            places=snapshot.places,
            disk=snapshot.disk,
        )

    async def _ended(self, endings: Sequence[Ending]) -> list[Outcome]:
        """End the sessions. Count each session once, even if it takes several calls to end."""
        outcomes = []
        for ending in endings:
            suspect = ending.suspect
            if isinstance(suspect, Prepared):
                self._begin_to_roll_back(ending, suspect)
            else:
                outcome = await self._end(ending, suspect)
                if outcome and (suspect.pid, suspect.role) not in self._asked:
                    outcomes.append(outcome)
                self._asked.add((suspect.pid, suspect.role))
        return outcomes

    async def _end(self, ending: Ending, session: Session) -> Outcome | None:
        try:
            return Outcome(ending) if await self.guard.end(session) else None
        except PgvendError as error:
            return Outcome(ending, error)

    def _begin_to_roll_back(self, ending: Ending, prepared: Prepared) -> None:
        is_early = self.clock.elapsed() < self._retry_at.get(prepared.gid, 0.0)
        if prepared.gid not in self._rolling and not is_early:
            self._rolling[prepared.gid] = asyncio.create_task(self._roll_back(ending, prepared))

    async def _roll_back(self, ending: Ending, prepared: Prepared) -> Outcome:
        try:
            await self.guard.roll_back(prepared)
        except PgvendError as error:
            self._retry_at[prepared.gid] = self.clock.elapsed() + RETRY
            return Outcome(ending, error)
        return Outcome(ending)

    def _rolled_back(self) -> list[Outcome]:
        done = [gid for gid, task in self._rolling.items() if task.done()]
        return [self._rolling.pop(gid).result() for gid in done]

    def _count(self, outcomes: Sequence[Outcome]) -> None:
        done = [each.ending.suspect for each in outcomes if each.error is None]
        rolled_back = sum(isinstance(suspect, Prepared) for suspect in done)
        self.status = replace(
            self.status,
            ended_sessions=self.status.ended_sessions + len(done) - rolled_back,
            rolled_back=self.status.rolled_back + rolled_back,
        )
