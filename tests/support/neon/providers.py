"""Providers on the Neon emulator."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import structlog
from structlog.stdlib import BoundLogger

from adapters.neon.budget import Budget
from adapters.neon.startup import NeonAccess, NeonConfig, open_neon
from adapters.system.clock import SystemClock
from domain.errors import StartupError
from domain.secrets import Secret
from domain.targets import Isolation
from ports.driven.database_provider import DatabaseProvider
from tests.support.clock import FakeClock
from tests.support.neon.emulator import RunningEmulator
from tests.support.provision_requests import INSTALLATION

UNLIMITED = 1_000_000
"""Requests per second, and at once: an emulator has no limit."""


def create_config(
    neon: RunningEmulator,
    isolation: Isolation,
    *,
    response_timeout: float = 10.0,
    log: BoundLogger | None = None,
) -> NeonConfig:
    clock = SystemClock()
    return NeonConfig(
        access=NeonAccess(
            api_url=neon.url,
            key=Secret(neon.key),
            project_id=neon.project_id,
            branch_id=neon.branch_id,
            host=neon.host,
        ),
        isolation=isolation,
        installation=INSTALLATION,
        connection_limit=3,
        clock=clock,
        log=log or structlog.get_logger(),
        budget=Budget(clock, rate=UNLIMITED, burst=UNLIMITED),
        response_timeout=response_timeout,
    )


@asynccontextmanager
async def provider_on(
    neon: RunningEmulator, isolation: Isolation
) -> AsyncIterator[DatabaseProvider]:
    async with open_neon(create_config(neon, isolation)) as provider:
        yield provider


@asynccontextmanager
async def started_provider(
    neon: RunningEmulator,
    isolation: Isolation,
    clock: FakeClock,
    response_timeout: float = 10.0,
    **wrong: Any,
) -> AsyncIterator[DatabaseProvider]:
    """Start a provider with the service's budget; `wrong` replaces fields of its access."""
    config = create_config(neon, isolation, response_timeout=response_timeout)
    access = replace(config.access, **wrong)
    config = replace(config, access=access, clock=clock, budget=Budget(clock))
    async with open_neon(config) as provider:
        yield provider


async def start_and_fail(
    neon: RunningEmulator, isolation: Isolation, clock: FakeClock | None = None, **wrong: Any
) -> str:
    """Return the error of a startup that fails; check that it does not contain the key."""
    with pytest.raises(StartupError) as caught:
        async with started_provider(neon, isolation, clock or FakeClock(), **wrong):
            pass
    assert neon.key not in f"{caught.value} {caught.value.__cause__!r}"
    return str(caught.value)
