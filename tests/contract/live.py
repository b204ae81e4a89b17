"""The contract tests on a real Neon project: `make test-live`, with the four NEON_* variables."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from adapters.decorators.logging import CallLogger
from adapters.decorators.observing import ObservingProvider
from adapters.decorators.retrying import Retrying
from adapters.neon.budget import Budget
from adapters.neon.login_check import NeonLoginCheck
from adapters.neon.startup import NeonAccess, NeonConfig, open_neon
from adapters.postgres.login_check import PostgresLoginCheck
from adapters.system.clock import SystemClock
from adapters.system.randomness import SystemRandomness
from domain.names import PgNames
from domain.provisioning import Tenant
from domain.retry import RetryPolicy
from domain.secrets import Secret
from domain.targets import Isolation
from entrypoints.config.neon import OFFICIAL_API_URL
from entrypoints.wiring.neon import with_retries
from ports.driven.database_provider import DatabaseProvider
from tests.contract.provider_kinds import ProviderSetup

IS_LIVE = os.environ.get("NEON_LIVE") == "1"

INSTALLATION = "live-test"
"""No service has this name: databases with its mark belong to tests and are deleted at the end."""


@asynccontextmanager
async def live(_: None, isolation: Isolation) -> AsyncIterator[ProviderSetup]:
    clock, log = SystemClock(), structlog.get_logger()
    neon = NeonConfig(
        access=_create_access(),
        isolation=isolation,
        installation=INSTALLATION,
        connection_limit=20,
        clock=clock,
        log=log,
        budget=Budget(clock),
    )
    async with open_neon(neon) as bare:
        observed = ObservingProvider(bare, CallLogger(clock, log))
        provider = with_retries(
            observed, isolation, Retrying(RetryPolicy(), clock, SystemRandomness()), log
        )
        login_check = NeonLoginCheck(PostgresLoginCheck(), clock)
        await _clean_up(provider)  # left by an interrupted run
        try:
            yield ProviderSetup(provider, login_check, max_concurrent=4, moments=2)
        finally:
            await _clean_up(provider)


async def _clean_up(provider: DatabaseProvider) -> None:
    for left in await provider.inventory():
        names = PgNames(database=left.database or "", owner=left.owner or "")
        await provider.delete(Tenant(id=left.id, names=names))


def _create_access() -> NeonAccess:
    return NeonAccess(
        api_url=os.environ.get("NEON_API_URL", OFFICIAL_API_URL),
        key=Secret(os.environ["NEON_API_KEY"]),
        project_id=os.environ["NEON_PROJECT_ID"],
        branch_id=os.environ["NEON_BRANCH_ID"],
        host=os.environ["NEON_HOST"],
    )
