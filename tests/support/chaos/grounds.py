"""What the service stands on, and what is really there."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from adapters.embedded.configuration import SUPERUSER
from adapters.postgres.provider import PostgresProvider
from adapters.postgres.sessions import Login
from entrypoints.neon_emulator.behaviour import Behaviour
from tests.support.databases import vended
from tests.support.neon.emulator import RunningEmulator, running_emulator
from tests.support.orders import new_order
from tests.support.places import bundle, session

Names = frozenset[str]


@dataclass(frozen=True)
class Ground:
    """`settings` lead the service there; `census` tells all roles and all databases."""

    settings: Mapping[str, str]
    census: Callable[[], Awaitable[tuple[Names, Names]]]


def own_ground(data_dir: Path) -> Ground:
    """The server that the service itself starts."""

    async def census() -> tuple[Names, Names]:
        port = int((data_dir / "embedded" / "port").read_text())
        socket = str(data_dir / "embedded" / "data")
        login = {"host": socket, "port": port, "user": SUPERUSER, "database": "postgres"}
        return await _census(login)

    return Ground({}, census)


def operated_ground(provider: PostgresProvider) -> Ground:
    """A server that the service finds: one of ours, vended on from outside."""
    admin, superuser = provider.server.admin, bundle(provider).superuser
    dsn = f"postgresql:///postgres?host={admin['host']}&port={admin['port']}&user={admin['user']}"

    async def census() -> tuple[Names, Names]:
        return await _census(superuser)

    settings = {
        "PGVEND_PROVIDER": "postgres",
        "PGVEND_POSTGRES_ADMIN_DSN": dsn,
        "PGVEND_POSTGRES_PUBLIC_HOST": provider.server.public_host,
        "PGVEND_POSTGRES_PUBLIC_PORT": str(provider.server.public_port),
    }
    return Ground(settings, census)


@asynccontextmanager
async def neon_ground() -> AsyncIterator[Ground]:
    """A Neon project, vended on as the original service did."""
    behaviour = Behaviour(operation_seconds=0.02, roles_limit=10_000, databases_limit=10_000)
    async with running_emulator(behaviour, checked=False) as neon:
        yield Ground(_variables(neon), lambda: _neon_census(neon))


@asynccontextmanager
async def registry_on(provider: PostgresProvider) -> AsyncIterator[Mapping[str, str]]:
    """The settings for a new registry on that server."""
    async with vended(provider, new_order()) as connection:
        yield {"PGVEND_REGISTRY_URL": connection.uri(), "PGVEND_SECRET": "chaos" * 8}


async def _census(login: Login) -> tuple[Names, Names]:
    async with session(login) as superuser:
        roles = await superuser.fetch("SELECT rolname FROM pg_roles")
        databases = await superuser.fetch("SELECT datname FROM pg_database")
    return frozenset(row[0] for row in roles), frozenset(row[0] for row in databases)


async def _neon_census(neon: RunningEmulator) -> tuple[Names, Names]:
    """In PostgreSQL; the API lists the same when it has nothing to do."""
    await neon.emulator.first.operations.idle()
    census = await neon.census()
    assert census.listed_databases <= census.real_databases
    assert census.listed_roles <= census.real_roles
    return census.real_roles, census.real_databases


def _variables(neon: RunningEmulator) -> Mapping[str, str]:
    return {
        "NEON_PROJECT_ID": neon.project_id,
        "NEON_BRANCH_ID": neon.branch_id,
        "NEON_HOST": neon.host,
        "NEON_API_KEY": neon.key,
        "NEON_API_URL": neon.url,
        "PGVEND_NEON_ISOLATION": "none",
    }
