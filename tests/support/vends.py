"""The use case over a provider that may be broken, and what has to come of it."""

from typing import Any

import structlog

from adapters.decorators.observed import Observation, ObservedProvider
from adapters.decorators.retrying import Retrying, RetryingLoginCheck, RetryingProvider
from adapters.memory.leases import MemoryLeases
from adapters.postgres.login_check import PostgresLoginCheck
from adapters.system.clock import SystemClock
from adapters.system.randomness import SystemRandomness
from domain.database import Database
from domain.expiry import ExpiryPolicy
from domain.retry import RetryPolicy
from domain.states import State
from ports.driven.database_provider import DatabaseProvider
from ports.driven.registry import Query, Registry
from ports.driving.retire import RetireDatabase
from ports.driving.vend import VendDatabase
from ports.driving.vended import Vended
from tests.support.faults import Site
from tests.support.making import vend_with
from tests.support.patience import RETRYING
from tests.support.records import TARGET
from tests.support.traces import NOTHING, WHOLE

PATIENT = RetryPolicy(attempts=4, base=0.01, cap=0.05, deadline=20)
HASTY = RetryPolicy(attempts=1)


def vend_over(over: Site, registry: Registry, policy: RetryPolicy) -> VendDatabase:
    clock, randomness = SystemClock(), SystemRandomness()
    leases = MemoryLeases()
    retrying = Retrying(policy, clock, randomness)
    observed = ObservedProvider(over.provider, Observation(clock, structlog.get_logger()))
    provider = RetryingProvider(observed, retrying)
    return vend_with(
        registry=registry,
        provider=provider,
        login_check=RetryingLoginCheck(PostgresLoginCheck(), retrying),
        leases=leases,
        clock=clock,
        randomness=randomness,
        expiry=ExpiryPolicy(default=None, longest=None),
        target=TARGET,
    )


async def assert_whole_or_nothing(broken: Site, registry: Registry, outcome: Any) -> None:
    """A record tells what there is, and what it tells to drop can be dropped."""
    [record] = await registry.search(Query())
    if isinstance(outcome, Vended):
        assert record.state is State.READY
        assert await broken.traces(record.tenant) == WHOLE
        await RetryingLoginCheck(PostgresLoginCheck(), RETRYING).verify(outcome.connection)
    else:
        assert record.state in {State.FAILED, State.RETIRING}
    if record.state is not State.FAILED:
        await _retire(broken, registry, record)
    assert await broken.traces(record.tenant) == NOTHING


async def _retire(broken: Site, registry: Registry, record: Database) -> None:
    retire = _retire_over(broken.retrying, registry, MemoryLeases())
    await retire.promise(record.id)
    await retire.finish(record.id)


def _retire_over(
    provider: DatabaseProvider, registry: Registry, leases: MemoryLeases
) -> RetireDatabase:
    return RetireDatabase(
        registry=registry, provider=provider, leases=leases, clock=SystemClock(), target=TARGET
    )
