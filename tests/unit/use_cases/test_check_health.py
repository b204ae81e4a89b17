"""The health check and the checks of `pgvend doctor`, over all parts."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

import pytest

from adapters.memory.provider import FaultHook, MemoryProvider, no_fault
from adapters.memory.registry import MemoryRegistry
from domain.doctor import DoctorCheck, Outcome, Verdict, format_count, has_failed
from domain.errors import PgvendError, ProviderBusy, ProviderRejected, StartupError, Unavailable
from domain.spares import SpareLevel
from ports.driven.doctor import DoctorChecks
from ports.use_cases.check_health import CheckHealth, ListLevels
from ports.use_cases.run_doctor import RunDoctor
from tests.support.doctor import FAIL, OK, UNKNOWN, FakeDoctorChecks
from tests.support.doubles import CrashAt, HoldAt

FINE = DoctorCheck("clock", Outcome(OK, "It is right."))
BAD = DoctorCheck("disk", Outcome(FAIL, "It is full."))


class FaultyRegistry(MemoryRegistry):
    def __init__(self, ping: Callable[[], Awaitable[object]]) -> None:
        super().__init__()
        self._ping = ping

    async def ping(self) -> None:
        await self._ping()


def create_check(
    registry: MemoryRegistry | None = None,
    fault_hook: FaultHook = no_fault,
    timeout: float = 5,
    list_spares: ListLevels | None = None,
) -> CheckHealth:
    return CheckHealth(
        registry=registry or MemoryRegistry(),
        provider=MemoryProvider(fault_hook=fault_hook),
        list_spares=list_spares,
        timeout=timeout,
    )


async def test_the_service_is_healthy_if_every_part_answers() -> None:
    health = await create_check()()
    assert health.is_ok
    assert health.checks == {"registry": "ok", "provider": "ok"}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ProviderBusy("of no concern to a caller"), "provider_busy"),
        (ProviderRejected(), "provider_rejected"),
        (ValueError("password=hunter2"), "internal_error"),
    ],
)
async def test_a_failing_part_is_reported_with_its_code_only(error: Exception, code: str) -> None:
    health = await create_check(fault_hook=CrashAt("ping", error))()
    assert not health.is_ok
    assert health.checks == {"registry": "ok", "provider": code}


async def test_the_parts_are_checked_at_the_same_time() -> None:
    both = asyncio.Barrier(2)

    async def meet(moment: str) -> None:
        await both.wait()

    assert (await create_check(FaultyRegistry(both.wait), meet)()).is_ok


async def test_a_part_that_does_not_answer_times_out() -> None:
    health = await create_check(fault_hook=HoldAt("ping"), timeout=0)()
    assert health.checks == {"registry": "ok", "provider": "timeout"}


async def test_the_wanted_spares_are_shown_and_a_lack_of_them_is_healthy() -> None:
    empty = SpareLevel(template="default", wanted=4, ready=0, filling=1)
    unwanted = SpareLevel(template="shop", wanted=0, ready=0, filling=0)

    async def list_levels() -> list[SpareLevel]:
        return [empty, unwanted]

    health = await create_check(list_spares=list_levels)()
    assert health.is_ok
    assert health.spares == [empty]


async def test_spares_that_cannot_be_read_do_not_affect_the_health() -> None:
    async def fail() -> list[SpareLevel]:
        raise Unavailable("password=hunter2")

    async def hang() -> list[SpareLevel]:
        await asyncio.Event().wait()
        return []

    assert (await create_check(list_spares=fail)()).is_ok
    health = await create_check(list_spares=hang, timeout=0)()
    assert not health.spares


async def test_concurrent_calls_share_one_check() -> None:
    """Each check takes a session on the server, and anybody may call it."""
    calls, go_on = [], asyncio.Event()

    async def count_calls() -> None:
        calls.append(1)
        await go_on.wait()

    check = create_check(FaultyRegistry(count_calls))
    requests = [asyncio.ensure_future(check()) for _ in range(100)]
    await asyncio.sleep(0)
    requests[0].cancel()
    go_on.set()
    healths = await asyncio.gather(*requests[1:])

    assert all(health.is_ok for health in healths)
    assert len(calls) == 1
    assert (await check()).is_ok
    assert len(calls) == 2


class Endless(DoctorChecks):
    """Yields one result and then never ends."""

    async def run_checks(self) -> AsyncGenerator[DoctorCheck, None]:
        yield FINE
        await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("error", "results"),
    [
        (None, []),
        (
            StartupError("Set another key."),
            [DoctorCheck("neon", Outcome(FAIL, "Set another key."))],
        ),
    ],
)
async def test_doctor_results_keep_the_order_of_the_parts_and_errors_name_their_part(
    error: PgvendError | None, results: list[DoctorCheck]
) -> None:
    found = await RunDoctor(
        parts={"neon": FakeDoctorChecks([FINE], error), "second": FakeDoctorChecks([BAD])}
    )()
    assert found == [FINE, *results, BAD]


async def test_a_crash_of_a_part_is_unknown_and_reveals_no_text() -> None:
    found = await RunDoctor(
        parts={"neon": FakeDoctorChecks([FINE], ValueError("password=hunter2"))}
    )()

    assert found[0] == FINE
    assert (found[1].name, found[1].outcome.verdict) == ("neon", UNKNOWN)
    assert "hunter2" not in found[1].outcome.detail


async def test_a_part_that_times_out_keeps_its_results() -> None:
    found = await RunDoctor(
        parts={"first": Endless(), "second": FakeDoctorChecks([BAD])}, timeout=0.01
    )()
    results = [(check.name, check.outcome.verdict) for check in found]
    assert results == [("clock", OK), ("first", FAIL), ("disk", FAIL)]


async def test_doctor_runs_the_parts_at_the_same_time() -> None:
    both = asyncio.Barrier(2)

    class Meeting(DoctorChecks):
        async def run_checks(self) -> AsyncGenerator[DoctorCheck, None]:
            await both.wait()
            yield FINE

    async with asyncio.timeout(10):
        assert await RunDoctor(parts={"first": Meeting(), "second": Meeting()})() == [FINE, FINE]


@pytest.mark.parametrize("verdict", [it for it in Verdict if it is not Verdict.FAIL])
def test_only_the_verdict_fail_is_a_failure(verdict: Verdict) -> None:
    fine = [DoctorCheck("clock", Outcome(verdict, "It is as it is."))]
    assert not has_failed(fine)
    assert has_failed([*fine, BAD])


@pytest.mark.parametrize(("number", "text"), [(0, "0 keys"), (1, "1 key"), (2, "2 keys")])
def test_a_count_of_one_is_singular(number: int, text: str) -> None:
    assert format_count(number, "key") == text
