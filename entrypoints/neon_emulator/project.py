"""A project: one branch, its compute, and what is in them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from entrypoints.neon_emulator import identifiers
from entrypoints.neon_emulator.catalog import Catalog, Database, Role
from entrypoints.neon_emulator.compute import Compute
from entrypoints.neon_emulator.operations import Operations

REGION = "aws-us-east-2"


@dataclass(kw_only=True)
class Branch:
    name: str
    created_at: datetime
    updated_at: datetime
    id: str = field(default_factory=identifiers.branch_id)
    state: str = "init"


@dataclass(kw_only=True)
class Endpoint:
    """The branch's read-write compute, as the API tells of it."""

    created_at: datetime
    updated_at: datetime
    id: str = field(default_factory=identifiers.endpoint_id)
    started: bool = False
    suspended: bool = False


@dataclass(kw_only=True)
class Project:
    id: str
    number: int
    """Projects are listed by it: the order in which they were made."""
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
    order: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by whatever changes the server, and by whoever compares it with the lists."""

    async def refresh(self, now: datetime) -> None:
        """Bring the lists in line with the server, if it runs by now."""
        async with self.order:
            if not self.compute.is_running:
                return
            seen = await self.compute.look()
            self.roles.merge(seen.roles, partial(_found_role, now))
            self.databases.merge(seen.databases, partial(_found_database, now, seen.databases))
            for database in self.databases.all():
                if database.settled and database.real_name:
                    database.owner_name = seen.databases[database.real_name]
            if seen.guests:
                self.endpoint.suspended = False  # a connection wakes a compute

    async def close(self) -> None:
        await self.operations.close()
        await self.compute.stop()


def _found_role(now: datetime, name: str) -> Role:
    return Role(name=name, real_name=name, settled=True, created_at=now, updated_at=now)


def _found_database(now: datetime, owners: Mapping[str, str], name: str) -> Database:
    return Database(
        id=identifiers.database_id(),
        name=name,
        owner_name=owners[name],
        real_name=name,
        settled=True,
        created_at=now,
        updated_at=now,
    )
