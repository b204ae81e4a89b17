"""Every provider, bare and decorated, on every PostgreSQL that is promised."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, cast

import pytest
import structlog

from adapters.decorators.observed import Observation, ObservedProvider
from adapters.decorators.retrying import Retrying, RetryingLoginCheck, RetryingProvider
from adapters.memory.provider import MemoryLoginCheck, MemoryProvider
from adapters.postgres.login_check import PostgresLoginCheck
from adapters.postgres.opening import opened_provider
from adapters.postgres.provider import PostgresProvider
from adapters.postgres.server import server_of_dsn
from domain.retry import RetryPolicy
from ports.driven.database_provider import DatabaseProvider
from ports.driven.login_check import LoginCheck
from tests.support.clock import FakeClock
from tests.support.orders import INSTALLATION
from tests.support.randomness import SeededRandomness
from tests.support.servers import OperatorsServer


@dataclass(frozen=True)
class Subject:
    """A provider and the proof that what it hands out works."""

    provider: DatabaseProvider
    login_check: LoginCheck


def _decorated(subject: Subject) -> Subject:
    """As the service wraps it."""
    clock = FakeClock()
    retrying = Retrying(RetryPolicy(), clock, SeededRandomness())
    observed = ObservedProvider(subject.provider, Observation(clock, structlog.get_logger()))
    return Subject(
        provider=RetryingProvider(observed, retrying),
        login_check=RetryingLoginCheck(subject.login_check, retrying),
    )


async def _others_first(_: str) -> None:
    """Calls at once interleave in memory as they do on a server, and can be cancelled midway."""
    await asyncio.sleep(0)


async def _memory(_: None) -> AsyncIterator[Subject]:
    provider = MemoryProvider(trouble=_others_first)
    yield Subject(provider, MemoryLoginCheck(provider))


async def _embedded(provider: PostgresProvider) -> AsyncIterator[Subject]:
    yield Subject(provider, PostgresLoginCheck())


async def _postgres(server: OperatorsServer) -> AsyncIterator[Subject]:
    described = server_of_dsn(server.dsn(), public_host=None, public_port=None, connection_limit=3)
    async with opened_provider(described, INSTALLATION) as provider:
        yield Subject(provider, PostgresLoginCheck())


@dataclass(frozen=True)
class Kind:
    """How to make a subject: `make` gets the value of the session's fixture `base`."""

    make: Callable[[Any], AsyncIterator[Subject]]
    base: str | None = None
    decorated: bool = False


KINDS = {
    "memory": Kind(_memory),
    "memory-decorated": Kind(_memory, decorated=True),
    "embedded-16": Kind(_embedded, "bundled_16"),
    "embedded-18": Kind(_embedded, "bundled_18"),
    "embedded-18-decorated": Kind(_embedded, "bundled_18", decorated=True),
    "postgres-15": Kind(_postgres, "server_15"),
    "postgres-15-decorated": Kind(_postgres, "server_15", decorated=True),
    "postgres-16": Kind(_postgres, "server_16"),
    "postgres-18": Kind(_postgres, "server_18"),
}


@pytest.fixture(params=KINDS.values(), ids=list(KINDS))
def kind(request: pytest.FixtureRequest) -> Kind:
    return cast("Kind", request.param)


@pytest.fixture
def base(request: pytest.FixtureRequest, kind: Kind) -> Any:
    """Resolved outside the loop, where pytest-asyncio can start the session's servers."""
    return request.getfixturevalue(kind.base) if kind.base else None


@pytest.fixture
async def subject(kind: Kind, base: Any) -> AsyncIterator[Subject]:
    """Every test cleans up what it made; this looks whether it did."""
    async for bare in kind.make(base):
        made = _decorated(bare) if kind.decorated else bare
        before = await made.provider.inventory()
        yield made
        assert await made.provider.inventory() == before, "the test left something behind"
