"""A project: one branch, its compute, roles and databases."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from entrypoints.neon_emulator.compute.compute import Compute
from entrypoints.neon_emulator.state import identifiers
from entrypoints.neon_emulator.state.catalog import Catalog, Database, Role
from entrypoints.neon_emulator.state.operations import Operations

REGION = "aws-us-east-2"


@dataclass(kw_only=True)
class Branch:
    name: str
    created_at: datetime
    updated_at: datetime
    id: str = field(default_factory=identifiers.create_branch_id)
    state: str = "init"


@dataclass(kw_only=True)
class Endpoint:
    """The branch's read-write compute in the API."""

    created_at: datetime
    updated_at: datetime
    id: str = field(default_factory=identifiers.create_endpoint_id)
    started: bool = False
    suspended: bool = False


@dataclass(kw_only=True)
class Project:
    id: str
    number: int
    """The order of creation, by which projects are listed."""
    name: str
    pg_version: int
    store_passwords: bool
    created_at: datetime
    updated_at: datetime
    branch: Branch
    endpoint: Endpoint
    operations: Operations
    compute: Compute
    region_id: str = REGION
    org_id: str | None = None
    history_retention_seconds: int = 86_400
    unseen_reads: int = 0
    roles: Catalog[Role] = field(default_factory=Catalog)
    databases: Catalog[Database] = field(default_factory=Catalog)
    server_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the server is changed or compared with the lists."""

    async def refresh(self, now: datetime) -> None:
        """Reconcile the lists with the server, if it is running."""
        async with self.server_lock:
            if not self.compute.is_running:
                return
            found = await self.compute.inspect()
            self.roles.merge(found.roles, partial(_role_from_server, now))
            self.databases.merge(
                found.databases, partial(_database_from_server, now, found.databases)
            )
            for database in self.databases.list_all():
                if database.settled and database.real_name:
                    database.owner_name = found.databases[database.real_name]
            if found.sessions:
                self.endpoint.suspended = False  # a connection wakes a compute

    async def close(self) -> None:
        await self.operations.close()
        await self.compute.stop()


def _role_from_server(now: datetime, name: str) -> Role:
    return Role(name=name, real_name=name, settled=True, created_at=now, updated_at=now)


def _database_from_server(now: datetime, owners: Mapping[str, str], name: str) -> Database:
    return Database(
        id=identifiers.create_database_id(),
        name=name,
        owner_name=owners[name],
        real_name=name,
        settled=True,
        created_at=now,
        updated_at=now,
    )
