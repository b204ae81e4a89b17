"""DatabaseProvider with a Neon project for each database: isolation `project`.

The mark is the project's name, which is free text: `pgvend:<installation>:<id> <database> <owner>`.
Neon chooses the passwords.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from adapters.neon.admin import admin_address, admin_login
from adapters.neon.api_models import NewProject, Project
from adapters.neon.branch import NeonBranch
from adapters.neon.extensions import extensions_on, install_late
from adapters.neon.operations import Pace, Waiting
from adapters.neon.projects import NeonProjects
from adapters.neon.tenant_locks import TenantLocks
from adapters.neon.uris import Address
from adapters.postgres.inspection import Marks
from domain.connection import Connection
from domain.errors import (
    DatabaseNotFound,
    OutcomeUnknown,
    PgvendError,
    ProviderBusy,
    ProviderRejected,
    Unavailable,
)
from domain.extensions import Extension, check_available
from domain.names import Names
from domain.provisioning import Holding, Order, Tenant
from domain.secrets import Secret
from ports.driven.cancellation import finished
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider

LISTING_PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds between searches for a new project: lists may lag behind."""


@dataclass(frozen=True)
class ProjectProvider(DatabaseProvider):
    """The provider. No tenant's database is on the configured branch."""

    projects: NeonProjects
    model: NeonBranch
    marks: Marks
    clock: Clock
    pace: Pace = field(default_factory=Pace, init=False, repr=False)
    locks: TenantLocks = field(default_factory=TenantLocks, init=False, repr=False)

    async def provision(self, order: Order) -> Connection:
        tenant = order.tenant
        async with self.locks.hold(tenant.id):
            project = await self._kept(tenant)
            if order.extensions and project is None:  # before anything is created
                check_available(order.extensions, await self.extensions())
            branch = await self._branch(project) if project else await self._made(tenant)
            await branch.waiting.until_settled()
            direct, pooled = await self._addresses(branch, tenant.names)
            password = direct.password or await branch.new_password(tenant.names.owner)
        connection = _connection(direct, pooled, password)
        await install_late(order.extensions, connection, connection.host, self.clock)
        return connection

    async def extensions(self) -> Sequence[Extension]:
        """Return those of the configured branch: new projects have its version of PostgreSQL."""
        address = await admin_address(self.model)
        return await extensions_on(admin_login(self.model, address, self.clock))

    async def install(self, order: Order) -> None:
        connection = await self.reveal(order)
        await install_late(order.extensions, connection, connection.host, self.clock)

    async def _kept(self, tenant: Tenant) -> Project | None:
        """Return the tenant's project, if any. Raises ProviderRejected if there are two: either
        may be the one that was handed out, so that neither is deleted."""
        found = await self.projects.named(self._name(tenant))
        if len(found) > 1:
            raise ProviderRejected(
                f"There are {len(found)} Neon projects for {tenant.id}: delete those without data "
                "in Neon's console."
            )
        return found[0] if found else None

    async def _made(self, tenant: Tenant) -> NeonBranch:
        new = await finished(self._ordered(tenant))
        branch = self._branch_of(new.project, new.branch.id)
        try:
            await branch.waiting.until_done(new.operations)
        except BaseException:  # an incomplete project is useless
            with suppress(PgvendError):
                await finished(self.projects.drop(new.project))
            raise
        return branch

    async def _ordered(self, tenant: Tenant) -> NewProject:
        """Create the tenant's project and check that it is listed and is the only one.

        Deletion finds projects by the lists alone.
        """
        name = self._name(tenant)
        try:
            new = await self.projects.make(name, tenant.names)
        except OutcomeUnknown:
            await self._shown(name)  # before another call relies on the lists
            raise
        found = await self._shown(name, new.project.id)
        if [project.id for project in found] == [new.project.id]:
            return new
        await self.projects.drop(new.project)  # it was not handed out yet
        if found:
            raise OutcomeUnknown("An earlier request created the same project; retry the request.")
        raise ProviderBusy("Neon does not list the new project; retry the request.")

    async def _shown(self, name: str, wanted: str | None = None) -> Sequence[Project]:
        """Wait until projects of that name, or the wanted one, are listed. Return them all."""
        for pause in LISTING_PAUSES:
            with suppress(Unavailable):
                found = await self.projects.named(name)
                if found and wanted in {None, *(project.id for project in found)}:
                    return found
            await self.clock.sleep(pause)
        return ()

    async def reveal(self, order: Order) -> Connection:
        names, branch = order.tenant.names, await self._there(order.tenant)
        direct, pooled = await self._addresses(branch, names)
        password = direct.password or await branch.kept_password(names.owner)
        return _connection(direct, pooled, password)

    async def rotate(self, order: Order, *, end_sessions: bool = False) -> Connection:
        names = order.tenant.names
        async with self.locks.hold(order.tenant.id):
            branch = await self._there(order.tenant)
            direct, pooled = await self._addresses(branch, names)
            return _connection(direct, pooled, await branch.new_password(names.owner))

    @property
    def rotation_ends_sessions(self) -> bool:
        return True

    async def _there(self, tenant: Tenant) -> NeonBranch:
        """Return the branch of the tenant's project. Raises DatabaseNotFound."""
        project = await self._kept(tenant)
        if project is None:
            raise DatabaseNotFound(f"No Neon project has the database {tenant.id}.")
        return await self._branch(project)

    async def suspend(self, tenant: Tenant) -> None:
        """Reset the password and reveal it to nobody."""
        async with self.locks.hold(tenant.id):
            for project in await self.projects.named(self._name(tenant)):
                branch = await self._branch(project)
                await branch.new_password(tenant.names.owner)

    async def delete(self, tenant: Tenant) -> None:
        async with self.locks.hold(tenant.id):
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
        mark, _, names = project.name.partition(" ")
        database, _, owner = names.partition(" ")
        return Holding(
            id=mark.removeprefix(self.marks.prefix),
            database=database or None,
            owner=owner or None,
        )

    async def _branch(self, project: Project) -> NeonBranch:
        return self._branch_of(project, await self.projects.default_branch(project))

    def _branch_of(self, project: Project, branch_id: str) -> NeonBranch:
        waiting = Waiting(self.projects.client, project.id, self.clock, self.pace)
        return NeonBranch(self.projects.client, project.id, branch_id, waiting)

    async def _addresses(self, branch: NeonBranch, names: Names) -> tuple[Address, Address]:
        """Return the direct and the pooled address."""
        direct = await branch.find_address(names.database, names.owner)
        return direct, await branch.find_address(names.database, names.owner, pooled=True)


def _connection(direct: Address, pooled: Address, password: Secret) -> Connection:
    return Connection(
        host=direct.host,
        port=direct.port,
        database=direct.database,
        user=direct.user,
        password=password,
        sslmode=direct.sslmode,
        pooler_host=pooled.host if pooled.host != direct.host else None,
    )
