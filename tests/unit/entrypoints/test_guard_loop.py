"""The guard loop: its log events, and that errors do not stop it."""

import asyncio
from dataclasses import dataclass
from typing import Any

from domain.errors import PgvendError, ProviderBusy
from domain.guard_policy import GuardPolicy
from domain.locks import LockMode
from domain.server_snapshot import ServerSnapshot
from entrypoints.background.guard_loop import GuardLoop
from ports.use_cases.guard_server import GuardServer
from tests.support.clock import FakeClock
from tests.support.embedded_servers import Events
from tests.support.fake_guard import FakeGuard
from tests.support.guard_states import ATTACKER, create_snapshot, lock

STATE_UNDER_ATTACK = create_snapshot(
    lock(ATTACKER, "catalog:1260", LockMode.AccessExclusive, waited=0.1)
)
SCARCE_IDS = create_snapshot(ages={"a": 600_000_000})


@dataclass
class CrashingGuard(FakeGuard):
    """Raises an unexpected error once."""

    has_crashed: bool = False

    async def inspect(self) -> ServerSnapshot:
        if not self.has_crashed:
            self.has_crashed = True
            raise KeyError("a bug")
        return await super().inspect()


async def log_events(
    *states: ServerSnapshot | PgvendError, of: type[FakeGuard] = FakeGuard
) -> list[dict[str, Any]]:
    """Return the log events of a loop that sees these states, the last one repeatedly."""
    events, guard = Events(), of(list(states))
    server = GuardServer(guard, GuardPolicy(), FakeClock())
    task = asyncio.create_task(GuardLoop(server, events.log).run_forever())
    for _ in range(50):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return [event for name in events.names for event in events.fields(name)]


async def test_each_termination_is_logged_with_the_tenant_and_the_reason() -> None:
    [watching, ended] = sorted(
        await log_events(STATE_UNDER_ATTACK, create_snapshot()),
        key=lambda e: e["event"],
        reverse=True,
    )
    assert watching["event"] == "guard.watching"
    assert ended["event"] == "guard.ended_session"
    assert (ended["id"], ended["reason"]) == ("b", "waits_for_shared_lock")
    assert ended["log_level"] == "warning"


async def test_a_concern_is_logged_once_with_figures_and_advice() -> None:
    concerns = [each for each in await log_events(SCARCE_IDS) if each["event"] == "guard.concern"]
    [concern] = concerns
    assert concern["concern"] == "transaction_ids"
    assert concern["oldest_transaction_id_age"] == 600_000_000
    assert "autovacuum" in concern["advice"]


async def test_an_outage_and_its_end_are_logged_once_each() -> None:
    away = ProviderBusy("The server is away.")
    names = [
        each["event"] for each in await log_events(away, away, create_snapshot(), create_snapshot())
    ]
    assert names == ["guard.away", "guard.watching"]


async def test_errors_do_not_stop_the_loop() -> None:
    names = [each["event"] for each in await log_events(STATE_UNDER_ATTACK, of=CrashingGuard)]
    assert "guard.crashed" in names
    assert "guard.ended_session" in names


async def test_without_a_guard_the_loop_returns() -> None:
    await GuardLoop(None, Events().log).run_forever()
