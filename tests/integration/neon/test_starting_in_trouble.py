"""The start on a Neon that stumbles, or whose PostgreSQL is too old: one failure is not the end."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace

import pytest

from adapters.neon.budget import Budget
from adapters.neon.opening import START_PAUSES, opened_neon
from domain.errors import StartupError
from domain.target import Isolation
from ports.driven.database_provider import DatabaseProvider
from tests.support.clock import FakeClock
from tests.support.neon.checks import turned
from tests.support.neon.emulator import RunningEmulator
from tests.support.neon.providers import settings_on, vending_on

NONE, ROLE, PROJECT = Isolation.NONE, Isolation.ROLE, Isolation.PROJECT

ASKED = {
    NONE: ["get_project", "get_branch", "list_branch_endpoints", "list_databases"],
    ROLE: ["get_project", "get_branch", "list_databases", "get_connection_uri"],
    PROJECT: ["get_project", "get_branch", "list_branch_endpoints", "list_projects"],
}
"""Some of what each mode asks for at its start."""

every_question = pytest.mark.parametrize(
    ("isolation", "question"),
    [(isolation, question) for isolation, asked in ASKED.items() for question in asked],
)


@every_question
@pytest.mark.parametrize("how", ["unavailable", "reset_before", "failed_after", "limited"])
async def test_starts_although_neon_fails_once(
    neon: RunningEmulator, isolation: Isolation, question: str, how: str
) -> None:
    with turned(neon):
        neon.fault(question, how)
        async with _opened(neon, isolation, FakeClock()) as provider:
            await provider.ping()

        assert neon.emulator.faults.left() == []


@every_question
async def test_does_not_start_while_neon_goes_on_failing(
    neon: RunningEmulator, isolation: Isolation, question: str
) -> None:
    clock = FakeClock()
    with turned(neon):
        neon.fault(question, "unavailable", times=None)
        with pytest.raises(StartupError, match="not available"):
            async with _opened(neon, isolation, clock):
                pass

    assert clock.slept == list(START_PAUSES)


async def test_a_mistake_of_the_operators_is_not_asked_about_twice(neon: RunningEmulator) -> None:
    clock = FakeClock()
    settings = replace(settings_on(neon, ROLE), clock=clock)
    place = replace(settings.place, project_id="shiny-wind-12345678")

    with pytest.raises(StartupError, match="NEON_PROJECT_ID"):
        async with opened_neon(replace(settings, place=place)):
            pass

    assert clock.slept == []


async def test_names_the_mode_that_a_version_of_postgresql_is_too_old_for(
    neon: RunningEmulator,
) -> None:
    with _version(neon, 14), pytest.raises(StartupError) as refused:
        async with vending_on(neon, ROLE):
            pass

    assert "PostgreSQL 14" in str(refused.value)
    assert "PGVEND_NEON_ISOLATION=role" in str(refused.value)


@pytest.mark.parametrize("isolation", [NONE, PROJECT])
async def test_an_old_version_will_do_where_neon_itself_makes_the_roles(
    neon: RunningEmulator, isolation: Isolation
) -> None:
    with _version(neon, 14):
        async with vending_on(neon, isolation) as provider:
            await provider.ping()


async def test_the_oldest_version_that_will_do_starts(neon: RunningEmulator) -> None:
    with _version(neon, 15):
        async with vending_on(neon, ROLE) as provider:
            await provider.ping()


@asynccontextmanager
async def _opened(
    neon: RunningEmulator, isolation: Isolation, clock: FakeClock
) -> AsyncIterator[DatabaseProvider]:
    settings = replace(settings_on(neon, isolation), clock=clock, budget=Budget(clock))
    async with opened_neon(settings) as provider:
        yield provider


@contextmanager
def _version(neon: RunningEmulator, major: int) -> Iterator[None]:
    """The project's, as Neon tells it."""
    before = neon.emulator.first.pg_version
    neon.emulator.first.pg_version = major
    try:
        yield
    finally:
        neon.emulator.first.pg_version = before
