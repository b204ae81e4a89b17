"""The servers under the service, and the roles and databases that exist on them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from adapters.driver.connector import Login
from adapters.postgres.provider import PostgresProvider
from entrypoints.neon_emulator.behaviour import Behaviour
from tests.support.databases import provisioned_database
from tests.support.legacy_clients import superuser_login
from tests.support.neon.emulator import RunningEmulator, running_emulator
from tests.support.postgres_under_test import bundled_under_test, session
from tests.support.provision_requests import new_provision_request

NameSet = frozenset[str]
Census = tuple[NameSet, NameSet]
"""The names of all roles and of all databases."""


@dataclass(frozen=True)
class Environment:
    """A server. `settings` point the service at it."""

    settings: Mapping[str, str]
    list_names: Callable[[], Awaitable[Census]]


def own_server(data_dir: Path, spares: int = 0) -> Environment:
    """Return the bundled server that the service starts, with that number of spares."""

    async def list_names() -> Census:
        return await _take_census(superuser_login(data_dir))

    return Environment({"PGVEND_SPARES": f"default={spares}"}, list_names)


def operators_server(provider: PostgresProvider, spares: int = 0) -> Environment:
    """Return a server of an operator: a bundled one that another process runs."""
    admin, superuser = provider.server.admin, bundled_under_test(provider).superuser
    dsn = f"postgresql:///postgres?host={admin['host']}&port={admin['port']}&user={admin['user']}"
    settings = {
        "PGVEND_PROVIDER": "postgres",
        "PGVEND_POSTGRES_ADMIN_DSN": dsn,
        "PGVEND_PUBLIC_HOST": provider.server.public_host,
        "PGVEND_PUBLIC_PORT": str(provider.server.public_port),
        "PGVEND_SPARES": f"default={spares}",
    }
    return Environment(settings, lambda: _take_census(superuser))


@asynccontextmanager
async def neon_project() -> AsyncIterator[Environment]:
    """Open a Neon project, used like the original service did."""
    behaviour = Behaviour(operation_seconds=0.02, roles_limit=10_000, databases_limit=10_000)
    async with running_emulator(behaviour, checked=False) as neon:
        settings = {
            "NEON_PROJECT_ID": neon.project_id,
            "NEON_BRANCH_ID": neon.branch_id,
            "NEON_HOST": neon.host,
            "NEON_API_KEY": neon.key,
            "NEON_API_URL": neon.url,
            "PGVEND_NEON_ISOLATION": "none",
        }
        yield Environment(settings, lambda: _take_neon_census(neon))


@asynccontextmanager
async def registry_on(provider: PostgresProvider) -> AsyncIterator[Mapping[str, str]]:
    """Yield the settings for a new registry on the provider's server."""
    async with provisioned_database(provider, new_provision_request()) as connection:
        yield {"PGVEND_REGISTRY_URL": connection.uri(), "PGVEND_SECRET": token_hex(32)}


async def _take_census(login: Login) -> Census:
    async with session(login) as superuser:
        roles = await superuser.fetch("SELECT rolname FROM pg_roles")
        databases = await superuser.fetch("SELECT datname FROM pg_database")
    return frozenset(row[0] for row in roles), frozenset(row[0] for row in databases)


async def _take_neon_census(neon: RunningEmulator) -> Census:
    """Return the names in PostgreSQL. The API lists a subset of them when it is idle."""
    await neon.emulator.first.operations.wait_until_idle()
    snapshot = await neon.snapshot()
    assert snapshot.listed_databases <= snapshot.real_databases
    assert snapshot.listed_roles <= snapshot.real_roles
    return snapshot.real_roles, snapshot.real_databases
