"""Checks of the state after all tasks of the reconciler are done."""

from datetime import timedelta

from domain.database import Database
from domain.lifecycle import State
from domain.sizes import is_read_only
from ports.use_cases.reconcile import ReconcileResult
from tests.support.memory_service import NO_GRACE, MemoryService

MAX_RECONCILIATIONS = 50
"""Runs of the reconciler after which pending tasks count as stuck."""

STRANGER = "stranger"


async def settle(service: MemoryService, grace: timedelta = NO_GRACE) -> None:
    """Reconcile, and advance the clock, until nothing is pending."""
    for _ in range(MAX_RECONCILIATIONS):
        results = await service.reconcile(grace)()
        unfinished = [record for record in await service.records() if not record.is_idle]
        if not results and not unfinished:
            return
        _wait_for(service, unfinished)
    raise AssertionError(f"stuck: {results} {unfinished}")


def _wait_for(service: MemoryService, unfinished: list[Database]) -> None:
    now = service.clock.now()
    due = max((record.wake_at or now for record in unfinished), default=now)
    service.clock.moment += max(due - now, timedelta())


async def assert_consistent(service: MemoryService, grace: timedelta = NO_GRACE) -> None:
    """Check that records and provider agree, and that the reconciler finds nothing."""
    records = await service.records()
    live = {record.id for record in records if not record.is_gone}
    assert await service.tenant_ids() - {STRANGER} == live
    for record in records:
        is_usable = record.state is State.READY and not record.is_past_expiry(service.clock.now())
        assert service.accepts_login(record) == is_usable, record
        if record.state is State.READY:
            assert service.provider.is_read_only(record.tenant) == is_read_only(record), record
            assert service.provider.list_installed(record.tenant) >= set(record.extensions), record
    assert await reconcile_once(service, grace) == []
    assert await reconcile_once(service, grace, dry_run=True) == []
    assert await service.records() == records, "the reconciler found nothing, but changed a record"


async def reconcile_once(
    service: MemoryService, grace: timedelta = NO_GRACE, *, dry_run: bool = False
) -> list[ReconcileResult]:
    return await service.reconcile(grace)(dry_run=dry_run)
