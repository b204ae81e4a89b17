"""A guard without a server."""

import asyncio
from dataclasses import dataclass, field

from domain.errors import PgvendError
from domain.server_snapshot import PreparedTransaction, ServerSnapshot, Session
from ports.driven.guard import Guard


@dataclass
class FakeGuard(Guard):
    """Returns these snapshots in turn, then the last one repeatedly. Every ending raises `refusal`;
    sessions that `are_gone` do not exist any more. A rollback waits for `let_go`."""

    snapshots: list[ServerSnapshot | PgvendError]
    refusal: PgvendError | None = None
    are_gone: bool = False
    ended: list[int] = field(default_factory=list)
    rolled_back: list[str] = field(default_factory=list)
    lock_releases: int = 0
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    async def inspect(self) -> ServerSnapshot:
        seen = self.snapshots.pop(0) if len(self.snapshots) > 1 else self.snapshots[0]
        if isinstance(seen, PgvendError):
            raise seen
        return seen

    async def end(self, session: Session) -> bool:
        if self.refusal:
            raise self.refusal
        self.ended.append(session.pid)
        return not self.are_gone

    async def roll_back(self, prepared: PreparedTransaction) -> None:
        await self.let_go.wait()
        if self.refusal:
            raise self.refusal
        self.rolled_back.append(prepared.gid)

    async def release_locks(self) -> None:
        self.lock_releases += 1
