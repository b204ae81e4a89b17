"""Providers on the Neon emulator."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from structlog.stdlib import BoundLogger

from adapters.neon.budget import Budget
from adapters.neon.startup import NeonAccess, NeonConfig, open_neon
from adapters.system.clock import SystemClock
from domain.secrets import Secret
from domain.targets import Isolation
from ports.driven.database_provider import DatabaseProvider
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
