"""Inspections of the guard, one after the other."""

import asyncio

import pytest

from adapters.metrics.prometheus import PrometheusMetrics
from domain.errors import ProviderBusy, ProviderRejected
from domain.guard_policy import GuardPolicy
from domain.locks import LockMode
from domain.server_snapshot import Capacity, Reason, ServerSnapshot
from ports.use_cases.guard_server import (
    ALERT_DURATION,
    ALERT_INTERVAL,
    INTERVAL,
    RETRY_DELAY,
    GuardServer,
    GuardState,
)
from tests.support.clock import FakeClock
from tests.support.fake_guard import FakeGuard
from tests.support.guard_states import (
    ADMIN,
    ATTACKER,
    VICTIM,
    create_snapshot,
    lock,
    prepared,
    session,
)
from tests.support.metrics import read_metrics

QUIET = create_snapshot(connections=Capacity(free=90, total=100), ages={"a": 7})
ATTACKED = create_snapshot(lock(ATTACKER, "catalog:1260", LockMode.AccessExclusive, waited=0.1))
HELD = create_snapshot(
    lock("kept", "object:2", LockMode.AccessShare, of="a"),
    lock(ADMIN, "object:2", LockMode.AccessExclusive, waited=3, of="a"),
    prepared=[prepared()],
)


def create_guard(
    *snapshots: ServerSnapshot | ProviderBusy, **more: object
) -> tuple[FakeGuard, GuardServer]:
    guard = FakeGuard(list(snapshots), **more)  # type: ignore[arg-type]  # put together for the tests
    return guard, GuardServer(guard, GuardPolicy(oldest_transaction=100), FakeClock())


def state(server: GuardServer) -> GuardState:
    return server.status.state


async def test_the_status_shows_the_last_inspection() -> None:
    guard, server = create_guard(QUIET)
    assert state(server) is GuardState.STARTING

    assert await server() == []

    assert state(server) is GuardState.WATCHING
    assert server.status.oldest_age == 7
    assert server.status.connections == Capacity(free=90, total=100)
    assert (guard.ended, server.pause) == ([], INTERVAL)


async def test_each_ended_session_counts_once() -> None:
    """A session may take several requests to end."""
    guard, server = create_guard(ATTACKED, ATTACKED, QUIET)

    [outcome] = await server()
    assert (outcome.termination.suspect.party, outcome.error) == (ATTACKER, None)
    assert await server() == []
    assert await server() == []

    assert guard.ended == [ATTACKER, ATTACKER]
    assert server.status.ended_sessions == 1


async def test_endings_are_counted_by_their_reason_and_outcome() -> None:
    _, server = create_guard(ATTACKED, ATTACKED, QUIET)
    server.metrics = metrics = PrometheusMetrics()
    for _ in range(3):
        await server()
    assert read_metrics(metrics, "pgvend_guard_endings_total") == {
        ("outcome=done", f"reason={Reason.WAITS}"): 1
    }


async def test_a_session_that_ended_by_itself_does_not_count() -> None:
    _, server = create_guard(ATTACKED, are_gone=True)
    assert await server() == []
    assert server.status.ended_sessions == 0


async def test_a_later_session_with_the_same_pid_counts_again() -> None:
    snapshot_after = create_snapshot(sessions=[session(VICTIM)])
    _, server = create_guard(ATTACKED, snapshot_after, ATTACKED)
    for _ in range(3):
        await server()
    assert server.status.ended_sessions == 2


async def test_an_ending_shortens_the_interval_for_a_while() -> None:
    _, server = create_guard(ATTACKED, QUIET)
    await server()
    assert server.pause == ALERT_INTERVAL
    await server()
    assert server.pause == ALERT_INTERVAL
    await server.clock.sleep(ALERT_DURATION)
    assert server.pause == INTERVAL


async def test_a_rollback_does_not_block_the_next_inspection() -> None:
    guard, server = create_guard(HELD, HELD, ATTACKED, QUIET)
    assert await server() == []
    assert await server() == []
    [ended] = await server()
    assert ended.termination.suspect.party == ATTACKER

    guard.let_go.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    [rolled_back] = await server()

    assert guard.rolled_back == ["kept"], "once, even if it was seen repeatedly"
    assert rolled_back.termination.suspect == prepared()
    assert (server.status.ended_sessions, server.status.rolled_back) == (1, 1)


async def test_closing_the_guard_cancels_rollbacks() -> None:
    guard, server = create_guard(HELD)
    await server()
    await server.close()
    assert guard.rolled_back == []


async def test_a_session_that_cannot_be_ended_is_reported_once_and_not_counted() -> None:
    refusal = ProviderRejected("The admin may not.")
    guard, server = create_guard(ATTACKED, HELD, HELD, refusal=refusal)
    guard.let_go.set()

    [refused] = await server()
    assert refused.error is refusal
    await server()
    await asyncio.sleep(0)
    [refused] = await server()
    assert refused.error is refusal
    assert (server.status.ended_sessions, server.status.rolled_back) == (0, 0)
    await server.close()


async def test_a_failed_rollback_is_retried_later() -> None:
    guard, server = create_guard(HELD, refusal=ProviderBusy("Not now."))
    guard.let_go.set()

    async def run_rounds(number: int) -> int:
        """Return the number of results of that many rounds."""
        count = 0
        for _ in range(number):
            count += len(await server())
            await asyncio.sleep(0)
        return count

    assert await run_rounds(5) == 1
    await server.clock.sleep(RETRY_DELAY)
    assert await run_rounds(5) == 1


async def test_a_server_that_does_not_answer_shortens_the_interval() -> None:
    away = ProviderBusy("The server is away.")
    _, server = create_guard(away, away, QUIET)
    with pytest.raises(ProviderBusy):
        await server()
    assert server.pause == ALERT_INTERVAL
    await server.clock.sleep(ALERT_DURATION)
    with pytest.raises(ProviderBusy):
        await server()
    assert server.pause == INTERVAL
    assert state(server) is GuardState.AWAY
    await server()
    assert state(server) is GuardState.WATCHING


async def test_the_guard_releases_its_locks_for_the_operator() -> None:
    guard, server = create_guard(
        create_snapshot(lock(ADMIN, "catalog:1260", LockMode.AccessExclusive, waited=0.1))
    )
    await server()
    assert (guard.lock_releases, guard.ended) == (1, [])
