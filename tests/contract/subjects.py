"""Providers of every kind, as the suite gets them: bare, or wrapped as the service wraps them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import structlog

from adapters.decorators.observed import Observation, ObservedProvider
from adapters.decorators.retrying import Retrying, RetryingLoginCheck, RetryingProvider
from adapters.memory.provider import MemoryLoginCheck, MemoryProvider
from adapters.neon.login_check import NeonLoginCheck
from adapters.postgres.login_check import PostgresLoginCheck
from adapters.postgres.opening import opened_provider
from adapters.postgres.provider import PostgresProvider
from adapters.postgres.server import server_of_dsn
from adapters.system.clock import SystemClock
from adapters.system.randomness import SystemRandomness
from domain.database import Isolation
from domain.retry import RetryPolicy
from entrypoints.neon_parts import one_at_a_time, patient
from ports.driven.database_provider import DatabaseProvider
from ports.driven.login_check import LoginCheck
from tests.support.clock import FakeClock
from tests.support.neon import RunningEmulator
from tests.support.neon_providers import vending_on
from tests.support.orders import INSTALLATION
from tests.support.randomness import SeededRandomness
from tests.support.servers import OperatorsServer

Make = Callable[[Any], AsyncIterator["Subject"]]


@dataclass(frozen=True)
class Subject:
    """A provider and the proof that what it hands out works.

    `crowd` is how many databases may be made at once, `moments` how many of a call's are tried out
    for going away in.
    """

    provider: DatabaseProvider
    login_check: LoginCheck
    crowd: int = 20
    moments: int = 16


def decorated(subject: Subject) -> Subject:
    """As the service wraps it."""
    clock = FakeClock()
    retrying = Retrying(RetryPolicy(), clock, SeededRandomness())
    observed = ObservedProvider(subject.provider, Observation(clock, structlog.get_logger()))
    return replace(
        subject,
        provider=RetryingProvider(observed, retrying),
        login_check=RetryingLoginCheck(subject.login_check, retrying),
    )


async def _others_first(_: str) -> None:
    """Calls at once interleave in memory as they do on a server, and can be cancelled midway."""
    await asyncio.sleep(0)


async def memory(_: None) -> AsyncIterator[Subject]:
    provider = MemoryProvider(trouble=_others_first)
    yield Subject(provider, MemoryLoginCheck(provider))


async def embedded(provider: PostgresProvider) -> AsyncIterator[Subject]:
    yield Subject(provider, PostgresLoginCheck())


async def postgres(server: OperatorsServer) -> AsyncIterator[Subject]:
    described = server_of_dsn(server.dsn(), public_host=None, public_port=None, connection_limit=3)
    async with opened_provider(described, INSTALLATION) as provider:
        yield Subject(provider, PostgresLoginCheck())


async def neon_by_api(neon: RunningEmulator) -> AsyncIterator[Subject]:
    async for subject in _neon(neon, Isolation.NONE):
        yield subject


async def neon_by_role(neon: RunningEmulator) -> AsyncIterator[Subject]:
    async for subject in _neon(neon, Isolation.ROLE):
        yield subject


async def neon_by_project(neon: RunningEmulator) -> AsyncIterator[Subject]:
    async for subject in _neon(neon, Isolation.PROJECT):
        yield replace(subject, crowd=6)  # a server each


async def _neon(neon: RunningEmulator, isolation: Isolation) -> AsyncIterator[Subject]:
    async with vending_on(neon, isolation) as provider:
        yield Subject(provider, PostgresLoginCheck(), moments=6)


def overlapping(make: Make) -> Make:
    """For bare providers: changes to one project may overlap, as Neon lets them now and then."""

    async def made(neon: RunningEmulator) -> AsyncIterator[Subject]:
        neon.behaviour.pass_while_locked = 1_000
        async for subject in make(neon):
            yield subject
        neon.behaviour.pass_while_locked = 0

    return made


def queued(subject: Subject) -> Subject:
    return _neon_decorated(subject, partial(one_at_a_time, log=structlog.get_logger()))


def patiently(subject: Subject) -> Subject:
    return _neon_decorated(subject, patient)


def _neon_decorated(subject: Subject, care: Callable[..., DatabaseProvider]) -> Subject:
    """As the service wraps what Neon may lock; time is real, for it is Neon's."""
    clock = SystemClock()
    observed = ObservedProvider(subject.provider, Observation(clock, structlog.get_logger()))
    return replace(
        subject,
        provider=care(observed, clock=clock, randomness=SystemRandomness()),
        login_check=NeonLoginCheck(subject.login_check, FakeClock()),
    )
