"""The service, its replicas or their servers are killed repeatedly, at any moment and under load.
No database is lost or orphaned."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random

import asyncpg
import pytest

from adapters.postgres.provider import PostgresProvider
from tests.support.chaos.environments import (
    Environment,
    neon_project,
    operators_server,
    own_server,
    registry_on,
)
from tests.support.chaos.replicas import replicas
from tests.support.chaos.run import ChaosRun
from tests.support.embedded_servers import open_server
from tests.support.polling import wait_until
from tests.support.servers import bundled, ram_folder
from tests.support.service import end_servers

pytestmark = pytest.mark.timeout(1500)

SPARES = 12
"""The spares of two scenarios, filled before the first request: enough for some rounds."""

Open = Callable[[Path, PostgresProvider], AbstractAsyncContextManager[ChaosRun]]
"""A function that opens a scenario in a new folder. The provider's server can hold the registry."""


@asynccontextmanager
async def killing_service(
    folder: Path, records: PostgresProvider, *, over_neon: bool, shared_registry: bool
) -> AsyncIterator[ChaosRun]:
    """Kill the service while it works, and sometimes during its next start."""
    async with AsyncExitStack() as stack:
        environment = own_server(folder, 0 if shared_registry else SPARES)
        if over_neon:
            environment = await stack.enter_async_context(neon_project())
        settings = environment.settings
        if shared_registry:
            settings = {**settings, **await stack.enter_async_context(registry_on(records))}
        service = await stack.enter_async_context(replicas(folder, settings))

        async def kill(rng: Random) -> None:
            await service.kill(0)
            if rng.random() < 0.3:
                await service.start_and_kill(rng.random())
            await service.start()

        yield ChaosRun(service, environment, kill)


@asynccontextmanager
async def killing_replicas(folder: Path, records: PostgresProvider) -> AsyncIterator[ChaosRun]:
    """Kill one of two replicas, or both. Clients continue with the other one."""
    async with bundled() as tenants, registry_on(records) as registry:
        environment = operators_server(tenants, SPARES)
        async with replicas(folder, {**environment.settings, **registry}, 2) as service:

            async def kill(rng: Random) -> None:
                victims = rng.choice([(0,), (1,), (0, 1)])
                await service.kill(*victims)
                await service.start(*victims)

            yield ChaosRun(service, environment, kill)


@asynccontextmanager
async def killing_own_server(folder: Path, _: PostgresProvider) -> AsyncIterator[ChaosRun]:
    environment = own_server(folder)
    async with replicas(folder, environment.settings) as service:
        yield ChaosRun(service, environment, partial(kill_servers, {folder: environment}))


@asynccontextmanager
async def killing_servers_of_replicas(folder: Path, _: PostgresProvider) -> AsyncIterator[ChaosRun]:
    """Kill the tenants' server, the registry's or both. Leases end with the registry's server,
    while the replicas keep running."""
    async with (
        open_server(folder / "tenants") as tenants,
        open_server(folder / "records") as records,
    ):
        environment = operators_server(tenants)
        servers = {
            folder / "tenants": environment,
            folder / "records": operators_server(records),
        }
        async with (
            registry_on(records) as registry,
            replicas(folder, {**environment.settings, **registry}, 2) as service,
        ):
            yield ChaosRun(service, environment, partial(kill_servers, servers))


async def kill_servers(servers: Mapping[Path, Environment], rng: Random) -> None:
    """Kill one of the servers in these data folders, or all, with all their sessions."""
    victims = rng.choice([*([folder] for folder in servers), list(servers)])
    await asyncio.gather(*(asyncio.to_thread(end_servers, folder) for folder in victims))
    for folder in victims:
        await wait_until(partial(_is_up, servers[folder]))


async def _is_up(environment: Environment) -> bool:
    try:
        return bool(await environment.list_names())
    except (OSError, asyncpg.PostgresError):
        return False


LONGEST = 16

SCENARIOS: Mapping[str, tuple[Open, int]] = {
    "service, sqlite, bundled server": (
        partial(killing_service, over_neon=False, shared_registry=False),
        LONGEST,
    ),
    "service, postgresql, neon": (
        partial(killing_service, over_neon=True, shared_registry=True),
        6,
    ),
    "service, sqlite, neon": (partial(killing_service, over_neon=True, shared_registry=False), 4),
    "service, postgresql, bundled server": (
        partial(killing_service, over_neon=False, shared_registry=True),
        6,
    ),
    "replicas, postgresql, operator's server": (killing_replicas, 8),
    "bundled server": (killing_own_server, 6),
    "servers of replicas": (killing_servers_of_replicas, 6),
}
"""The scenarios by what is killed, the registry and the provider: how to open each, and its rounds.
"""

QUICK = "service, sqlite, bundled server"
"""The most revealing scenario in a few rounds."""


def rounds(usual: int) -> int:
    """Return the number of rounds. CHAOS_ROUNDS sets it for the longest scenario; the others get a
    share."""
    return max(1, usual * int(os.environ.get("CHAOS_ROUNDS") or LONGEST) // LONGEST)


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_no_database_is_lost_or_orphaned(bundled_18: PostgresProvider, scenario: str) -> None:
    open_scenario, usual = SCENARIOS[scenario]
    with ram_folder() as folder:
        async with open_scenario(folder, bundled_18) as run:
            await run.execute(rounds(usual))
