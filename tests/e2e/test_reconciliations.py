"""Reconciliation: `POST /v1/reconciliations`, and the loop that runs with the service."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapters.memory.provider import FaultHook, MemoryProvider, no_fault
from domain.errors import ProviderBusy
from tests.support.apps import RunningApp, running_app
from tests.support.interrupted import (
    leave_half_deleted,
    leave_half_provisioned,
    leave_half_rotated,
    leave_without_record,
)
from tests.support.outage import Outage, create_unreachable_stores
from tests.support.polling import wait_until
from tests.support.provider_faults import DeferredFault, Gate, fail_at
from tests.support.reconciliation import reconcile, reconcile_all
from tests.support.slow_clock import SlowClock

CRASH = RuntimeError("a secret")


def reconciling_app(
    fault_hook: FaultHook = no_fault, **more: Any
) -> AbstractAsyncContextManager[RunningApp]:
    provider = MemoryProvider(fault_hook=fault_hook)
    return running_app(provider, clock=SlowClock(), reconcile_interval=30, **more)


async def test_a_reconciliation_reports_its_actions_and_a_dry_run_plans_them(
    app: RunningApp,
) -> None:
    unfinished, orphan = await leave_half_provisioned(app), await leave_without_record(app)
    before = await app.get("/v1/databases")

    plan = await reconcile(app, dry_run=True)

    assert {(one["action"], one["id"]) for one in plan} == {
        ("finish", unfinished.id),
        ("import", orphan),
    }
    assert {one["outcome"] for one in plan} == {"would be done"}
    assert await app.get("/v1/databases") == before
    assert set(await reconcile_all(app)) == {(one["action"], one["id"]) for one in plan}
    for one in (unfinished.id, orphan):
        assert app.accepts(await app.get(f"/v1/databases/{one}/connection"))


async def test_a_crash_is_reported_by_its_class_alone() -> None:
    """Its message may contain a secret and belongs in the log."""
    async with running_app(
        MemoryProvider(fault_hook=fail_at("before delete", lambda: CRASH))
    ) as app:
        database = await app.create_database()
        await leave_half_deleted(app, database["id"])

        with capture_logs() as logs:
            (result,) = await reconcile(app)

        (event,) = (event for event in logs if event["event"] == "reconcile.delete")
        assert event["exc_info"] is CRASH
        assert set(result) == {"action", "id", "database", "outcome", "detail"}
        assert (result["outcome"], result["detail"]) == ("internal_error", "RuntimeError")


async def test_a_start_resumes_unfinished_operations() -> None:
    async with running_app(clock=SlowClock()) as app:
        kept = await leave_half_provisioned(app, "kept", key="a key")
        undone = await leave_half_provisioned(app, "undone", resumable=False)
        dropped, rotated = (
            await app.create_database("dropped"),
            await app.create_database("rotated"),
        )
        await leave_half_deleted(app, dropped["id"])
        rotation = await leave_half_rotated(app, rotated["id"])
    async with app.replica(reconcile_interval=30) as later:
        await later.wait_for_state(kept.id, "ready")
        await later.wait_for_state(undone.id, "failed")
        await later.wait_for_state(dropped["id"], "deleted")
        await wait_until(lambda: _is_accepted(later, rotated, rotation.password.reveal()))

        present = {one.id for one in await later.provider.inventory()}
        assert present == {kept.id, rotated["id"]}


async def test_expired_databases_are_closed_and_deleted() -> None:
    async with reconciling_app() as app:
        database = await app.create_database(ttl="1h")
        await app.wait_for_state(database["id"], "deleted")
        assert not app.accepts(database["connection"])
        assert app.clock.now() >= datetime.fromisoformat(database["expires_at"])


@pytest.mark.parametrize("event", ["reconcile.failed", "reconcile.crashed"])
async def test_the_loop_survives_an_outage_and_a_crash(event: str) -> None:
    outage, later = Outage(is_on=event == "reconcile.failed"), DeferredFault()
    if event == "reconcile.crashed":
        later.fault = fail_at("inventory", lambda: CRASH, times=1)
    with capture_logs() as logs:
        async with reconciling_app(later, records=create_unreachable_stores(outage)) as app:
            await wait_until(lambda: _is_logged(logs, event))
            outage.is_on = False

            unfinished = await leave_half_provisioned(app)
            await app.wait_for_state(unfinished.id, "ready")


@pytest.mark.parametrize(
    ("error", "times", "level", "outcome"),
    [
        (ProviderBusy(), 0, "info", "done"),
        (ProviderBusy(), None, "warning", "provider_busy"),
        (CRASH, 1, "warning", "internal_error"),
    ],
    ids=["done", "busy", "crash"],
)
async def test_actions_are_logged(
    error: Exception, times: int | None, level: str, outcome: str
) -> None:
    with capture_logs() as logs:
        async with reconciling_app(fail_at("before delete", lambda: error, times=times)) as app:
            unfinished = await leave_half_provisioned(app, resumable=False)
            await wait_until(lambda: _is_logged(logs, "reconcile.undo"))

    logged_event = next(event for event in logs if event["event"] == "reconcile.undo")
    assert (logged_event["log_level"], logged_event["id"], logged_event["outcome"]) == (
        level,
        unfinished.id,
        outcome,
    )
    assert logged_event.get("exc_info") is (CRASH if error is CRASH else None)


async def test_shutdown_does_not_wait_for_a_reconciliation() -> None:
    """The next start resumes its work."""
    gate = Gate("before delete")
    async with asyncio.timeout(20):
        async with reconciling_app(gate) as app:
            unfinished = await leave_half_provisioned(app, resumable=False)
            await gate.reached.wait()
        gate.open()
    async with app.replica(reconcile_interval=30) as later:
        await later.wait_for_state(unfinished.id, "failed")

        assert await later.is_empty()


async def test_an_interval_of_zero_disables_the_loop() -> None:
    async with running_app(clock=SlowClock(), reconcile_interval=0) as app:
        await leave_half_provisioned(app)
        assert app.clock.slept == []
        assert [one["state"] for one in await app.list_live()] == ["provisioning"]


async def _is_logged(logs: Iterable[Mapping[str, Any]], event: str) -> bool:
    return any(one["event"] == event for one in logs)


async def _is_accepted(app: RunningApp, database: Any, password: str) -> bool:
    return app.accepts(database["connection"] | {"password": password})
