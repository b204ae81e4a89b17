"""What has to be so once nobody is at work any more and the sweep has found all there was."""

from datetime import timedelta

from domain.database import Database
from domain.sizes import is_read_only
from domain.states import State
from ports.driving.sweep import Finding
from tests.support.vending import NO_GRACE, Memory

ENOUGH = 50
"""Sweeps after which what is still to be done will never be done."""

STRANGER = "stranger"


async def settle(service: Memory, grace: timedelta = NO_GRACE) -> None:
    """Sweep, and let pass what time that takes, until nothing goes on and nothing is found."""
    for _ in range(ENOUGH):
        findings = await service.sweep(grace)()
        restless = [record for record in await service.records() if not record.is_at_rest]
        if not findings and not restless:
            return
        _wait_for(service, restless)
    raise AssertionError(f"never done: {findings} {restless}")


def _wait_for(service: Memory, restless: list[Database]) -> None:
    now = service.clock.now()
    due = max((record.wake_at or now for record in restless), default=now)
    service.clock.moment += max(due - now, timedelta())


async def assert_in_line(service: Memory, grace: timedelta = NO_GRACE) -> None:
    """The records say what there is, and the sweep has nothing to say to that."""
    records = await service.records()
    live = {record.id for record in records if not record.is_gone}
    assert await service.tenant_ids() - {STRANGER} == live
    for record in records:
        is_usable = record.state is State.READY and not record.is_over(service.clock.now())
        assert service.lets_in(record) == is_usable, record
        if record.state is State.READY:
            assert service.provider.is_read_only(record.tenant) == is_read_only(record), record
            assert service.provider.installed(record.tenant) >= set(record.extensions), record
    assert await found(service, grace) == []
    assert await found(service, grace, dry_run=True) == []
    assert await service.records() == records, "a sweep that found nothing changed something"


async def found(
    service: Memory, grace: timedelta = NO_GRACE, *, dry_run: bool = False
) -> list[Finding]:
    return await service.sweep(grace)(dry_run=dry_run)
