"""Samples of health, states and spares, and what is known without a question."""

import asyncio
from collections.abc import Mapping

import pytest

from adapters.memory.provider import MemoryProvider
from adapters.memory.registry import MemoryRegistry
from adapters.memory.webhooks import MemoryWebhookStore
from adapters.metrics.prometheus import PrometheusMetrics
from domain.errors import ProviderBusy, Unavailable
from domain.guard_policy import GuardPolicy
from domain.lifecycle import State
from domain.server_snapshot import Capacity
from ports.use_cases.check_health import CheckHealth
from ports.use_cases.guard_server import GuardServer
from ports.use_cases.running_creations import RunningCreations
from ports.use_cases.sample_metrics import MIN_PAUSE, PAUSES, SampleMetrics
from tests.support.clock import FakeClock
from tests.support.doubles import CrashAt
from tests.support.fake_guard import FakeGuard
from tests.support.guard_states import create_snapshot
from tests.support.metrics import read_metrics
from tests.support.records import new_record
from tests.support.webhooks import new_delivery, new_webhook


class SlowRegistry(MemoryRegistry):
    """Counts records in that many seconds of the clock, or raises the error."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.clock = clock
        self.seconds = 0.0
        self.error: BaseException | None = None

    async def count_states(self) -> Mapping[State, int]:
        self.clock.passed += self.seconds
        if self.error:
            raise self.error
        return await super().count_states()


class Service:
    def __init__(self) -> None:
        self.clock, self.metrics = FakeClock(), PrometheusMetrics()
        self.registry, self.provider = SlowRegistry(self.clock), MemoryProvider()
        self.webhooks = MemoryWebhookStore()
        self.running = RunningCreations(self.clock)
        self.guard = FakeGuard([create_snapshot(disk=Capacity(free=5, total=50))])

    def sampler(self, *, has_guard: bool = False) -> SampleMetrics:
        self.server = GuardServer(self.guard, GuardPolicy(), self.clock, metrics=self.metrics)
        return SampleMetrics(
            check_health=CheckHealth(registry=self.registry, provider=self.provider),
            registry=self.registry,
            webhooks=self.webhooks,
            running=self.running,
            guard=self.server if has_guard else None,
            clock=self.clock,
            metrics=self.metrics,
        )

    def read(self, name: str) -> Mapping[tuple[str, ...], float]:
        return read_metrics(self.metrics, name)


@pytest.fixture
def service() -> Service:
    return Service()


async def test_a_sample_has_the_health_and_the_number_of_records_in_each_state(
    service: Service,
) -> None:
    for state in (State.READY, State.READY, State.DELETED):
        await service.registry.add(new_record(state=state))

    await service.sampler()()

    assert service.read("pgvend_part_up") == {("part=registry",): 1, ("part=provider",): 1}
    assert service.read("pgvend_databases")["state=ready",] == 2
    assert service.read("pgvend_databases")["state=expired",] == 0
    assert ("state=deleted",) not in service.read("pgvend_databases")


async def test_a_part_that_is_down_is_shown(service: Service) -> None:
    service.provider = MemoryProvider(fault_hook=CrashAt("ping", ProviderBusy()))
    await service.sampler()()
    assert service.read("pgvend_part_up") == {("part=registry",): 1, ("part=provider",): 0}


@pytest.mark.parametrize("error", [Unavailable(), TimeoutError()])
async def test_states_that_cannot_be_counted_are_absent(service: Service, error: Exception) -> None:
    sampler = service.sampler()
    await sampler()
    service.registry.error = error

    await sampler()

    assert service.read("pgvend_databases") == {}
    assert service.read("pgvend_part_up") != {}


async def test_the_deliveries_of_all_webhooks_are_summed(service: Service) -> None:
    for _ in range(2):
        webhook = new_webhook()
        await service.webhooks.add(webhook, limit=9)
        waiting, given_up = new_delivery(webhook), new_delivery(webhook, due_at=None)
        service.webhooks.queue += [waiting, waiting, given_up]

    await service.sampler()()

    assert service.read("pgvend_webhook_deliveries_waiting") == {(): 4}
    assert service.read("pgvend_webhook_deliveries_given_up") == {(): 2}


async def test_only_one_call_takes_a_sample_that_is_due(service: Service) -> None:
    sampler = service.sampler()
    assert [sampler.reserve(), sampler.reserve()] == [True, False]

    await sampler()

    assert not sampler.reserve()
    service.clock.passed += MIN_PAUSE
    assert [sampler.reserve(), sampler.reserve()] == [True, False]


async def test_samples_are_rarer_the_longer_they_take(service: Service) -> None:
    sampler = service.sampler()
    service.registry.seconds = 2
    assert sampler.reserve()
    await sampler()

    service.clock.passed += 2 * PAUSES - 1
    assert not sampler.reserve()
    service.clock.passed += 1
    assert sampler.reserve()


async def test_a_sample_that_crashed_or_was_cancelled_is_due_again_later(service: Service) -> None:
    sampler = service.sampler()
    for error in (ValueError(), asyncio.CancelledError()):
        service.registry.error = error
        assert sampler.reserve()
        with pytest.raises(type(error)):
            await sampler()
        service.clock.passed += MIN_PAUSE
    assert sampler.reserve()


async def test_what_is_known_is_shown_without_a_question(service: Service) -> None:
    sampler = service.sampler(has_guard=True)
    await service.server()

    with service.running.count():
        sampler.update()

    assert service.read("pgvend_creations_running") == {(): 1}
    assert service.read("pgvend_guard_watching") == {(): 1}
    assert service.read("pgvend_server_disk_free_bytes") == {(): 5}
    assert service.read("pgvend_part_up") == {}


async def test_without_a_guard_nothing_of_it_is_shown(service: Service) -> None:
    service.sampler().update()
    assert service.read("pgvend_guard_watching") == {}
