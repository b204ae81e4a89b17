"""DatabaseProvider by a Neon project for each database: isolation `project`.

The mark is the project's name, which is free text: `pgvend:<installation>:<id> <database> <owner>`.
Passwords are Neon's choice.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from adapters.neon.branch import NeonBranch
from adapters.neon.operations import Pace, Waiting
from adapters.neon.projects import NeonProjects
from adapters.neon.tenant_locks import TenantLocks
from adapters.neon.wire import Project
from adapters.postgres.extensions import install
from adapters.postgres.sight import Marks
from domain.connection import Connection
from domain.errors import DatabaseNotFound, PgvendError, ProviderBusy, Unavailable
from domain.order import Holding, Order, Tenant
from domain.secret import Secret
from ports.cancellation import finished
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider

LISTING_PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds between looks for a new project: reads may be behind for a moment."""


@dataclass(frozen=True)
class ProjectProvider(DatabaseProvider):
    projects: NeonProjects
    marks: Marks
    clock: Clock
    pace: Pace = field(default_factory=Pace, init=False, repr=False)
    locks: TenantLocks = field(default_factory=TenantLocks, init=False, repr=False)

    async def provision(self, order: Order) -> Connection:
        tenant = order.tenant
        async with self.locks.of(tenant.id):
            branch = await self._branch(await self._kept(tenant) or await self._made(tenant))
            await branch.waiting.until_settled()
            address = await branch.address(tenant.names.database, tenant.names.owner)
            password = address.password or await branch.new_password(tenant.names.owner)
            connection = await self._connection(branch, tenant, password)
        await install(order.extensions, connection)
        return connection

    async def _kept(self, tenant: Tenant) -> Project | None:
        """The tenant's project. After a lost answer there may be two: the first one counts."""
        found = await self.projects.named(self._name(tenant))
        for project in found[1:]:
            await self.projects.drop(project)
        return found[0] if found else None

    async def _made(self, tenant: Tenant) -> Project:
        made = await self.projects.make(self._name(tenant), tenant.names)
        try:
            await self._listed(made.project)
            await self._waiting(made.project).until_done(made.operations)
        except BaseException:  # a project whose making failed is of no use
            with suppress(PgvendError):
                await finished(self.projects.drop(made.project))
            raise
        return await self._kept(tenant) or made.project

    async def _listed(self, project: Project) -> None:
        """Wait until the lists show it, by which alone it can be retired. Raises ProviderBusy."""
        for pause in LISTING_PAUSES:
            with suppress(Unavailable):
                found = await self.projects.named(project.name)
                if any(other.id == project.id for other in found):
                    return
            await self.clock.sleep(pause)
        raise ProviderBusy("Neon does not list the new project yet.")

    async def rotate(self, order: Order) -> Connection:
        tenant = order.tenant
        async with self.locks.of(tenant.id):
            project = await self._kept(tenant)
            if project is None:
                raise DatabaseNotFound(f"There is no database {tenant.id} in any Neon project.")
            branch = await self._branch(project)
            password = await branch.new_password(tenant.names.owner)
            return await self._connection(branch, tenant, password)

    async def retire(self, tenant: Tenant) -> None:
        async with self.locks.of(tenant.id):
            for project in await self.projects.named(self.marks.of(tenant) + " "):
                await self.projects.drop(project)

    async def inventory(self) -> Sequence[Holding]:
        found = await self.projects.named(self.marks.prefix)
        return sorted(map(self._holding, found), key=lambda holding: holding.id)

    async def ping(self) -> None:
        await self.projects.check()

    def _name(self, tenant: Tenant) -> str:
        return f"{self.marks.of(tenant)} {tenant.names.database} {tenant.names.owner}"

    def _holding(self, project: Project) -> Holding:
        mark, database, owner = (*project.name.split(" "), None, None)[:3]
        return Holding(
            id=(mark or "").removeprefix(self.marks.prefix), database=database, owner=owner
        )

    async def _branch(self, project: Project) -> NeonBranch:
        branch_id = await self.projects.default_branch(project)
        return NeonBranch(self.projects.client, project.id, branch_id, self._waiting(project))

    def _waiting(self, project: Project) -> Waiting:
        return Waiting(self.projects.client, project.id, self.clock, self.pace)

    async def _connection(self, branch: NeonBranch, tenant: Tenant, password: Secret) -> Connection:
        names = tenant.names
        direct = await branch.address(names.database, names.owner)
        pooled = await branch.address(names.database, names.owner, pooled=True)
        return Connection(
            host=direct.host,
            port=direct.port,
            database=names.database,
            user=names.owner,
            password=password,
            sslmode=direct.sslmode,
            pooler_host=pooled.host if pooled.host != direct.host else None,
        )
