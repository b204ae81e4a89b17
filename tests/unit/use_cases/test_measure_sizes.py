"""Sizes of databases, for the callers that see the records."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import pytest

from adapters.memory.size_limiter import NoSizeLimiter
from domain.database import Database
from domain.errors import ProviderRejected
from domain.lifecycle import State
from domain.sizes import Measurement
from ports.use_cases.measure_sizes import MAX_AGE, MAX_KEPT, MeasureSizes
from tests.support.clock import FakeClock
from tests.support.records import ELSEWHERE, TARGET, new_record

READY = replace(new_record(), state=State.READY)


@dataclass
class Meter(NoSizeLimiter):
    """Measures what is in `sizes`, and records what it was asked for."""

    sizes: dict[str, int] = field(default_factory=dict)
    asked: list[list[str]] = field(default_factory=list)
    error: Exception | None = None

    async def measure_sizes(
        self, tenant_ids: Collection[str] | None = None
    ) -> Mapping[str, Measurement]:
        self.asked.append([*(tenant_ids or ())])
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        return {each: Measurement(size) for each, size in self.sizes.items()}


@pytest.fixture
def meter() -> Meter:
    return Meter(sizes={READY.id: 8})


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def measure(meter: Meter, clock: FakeClock) -> MeasureSizes:
    return MeasureSizes(size_limiter=meter, clock=clock, target=TARGET)


async def test_a_size_is_measured_again_after_a_minute(
    measure: MeasureSizes, meter: Meter, clock: FakeClock
) -> None:
    assert await measure([READY]) == {READY.id: 8}
    meter.sizes[READY.id] = 16
    assert await measure([READY]) == {READY.id: 8}

    clock.passed += MAX_AGE
    assert await measure([READY]) == {READY.id: 16}
    assert meter.asked == [[READY.id]] * 2


async def test_callers_at_once_measure_once(measure: MeasureSizes, meter: Meter) -> None:
    assert await asyncio.gather(*[measure([READY]) for _ in range(3)]) == [{READY.id: 8}] * 3
    assert meter.asked == [[READY.id]]


async def test_sizes_are_kept_until_there_are_too_many(measure: MeasureSizes, meter: Meter) -> None:
    other = replace(new_record(), state=State.READY)
    meter.sizes.clear()  # that no size is known is kept too
    for databases in ([READY], [other], [READY]):
        await measure(databases)
    assert meter.asked == [[READY.id], [other.id]]

    many = [replace(new_record(), state=State.READY) for _ in range(MAX_KEPT)]
    for databases in (many, [other]):
        await measure(databases)
    assert len(measure.known) < MAX_KEPT


@pytest.mark.parametrize("error", [ProviderRejected("No."), TimeoutError()])
async def test_an_error_leaves_the_size_unknown_for_a_minute(
    measure: MeasureSizes, meter: Meter, clock: FakeClock, error: Exception
) -> None:
    meter.error = error
    assert await measure([READY]) == {}
    meter.error = None
    assert await measure([READY]) == {}

    clock.passed += MAX_AGE
    assert await measure([READY]) == {READY.id: 8}


@pytest.mark.parametrize(
    "record",
    [replace(READY, state=State.PROVISIONING), replace(READY, target=ELSEWHERE)],
    ids=["not ready", "elsewhere"],
)
async def test_other_databases_are_not_measured(
    measure: MeasureSizes, meter: Meter, record: Database
) -> None:
    assert await measure([record]) == {}
    assert meter.asked == []
