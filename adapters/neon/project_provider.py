"""DatabaseProvider with a Neon project for each database: isolation `project`.

The mark is the project's name, which is free text: `pgvend:<installation>:<id> <database> <owner>`.
That of a spare ends with ` spare`; its names of the database and the owner stay in a claim. Neon
chooses the passwords.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from adapters.neon.addresses import NeonAddress
from adapters.neon.admin import create_admin_login, find_admin_address
from adapters.neon.api_models import NewProject, Project
from adapters.neon.branch import NeonBranch
from adapters.neon.extensions import install_extensions, list_extensions
from adapters.neon.operations import Change, OperationWaiter
from adapters.neon.pace import Pace
from adapters.neon.projects import NeonProjects
from adapters.neon.tenant_locks import TenantLocks
from adapters.postgres.marks import SPARE_SUFFIX, Marks
from domain.connection import Connection
from domain.errors import (
    CopyUnsupported,
    DatabaseNotFound,
    NameTaken,
    OutcomeUnknown,
    PgvendError,
    ProviderBusy,
    ProviderRejected,
    SpareBroken,
    Unavailable,
)
from domain.extensions import Extension, check_available
from domain.names import PgNames
from domain.provisioning import (
    Confirm,
    InventoryItem,
    ProvisionRequest,
    Tenant,
    confirm_always,
)
from domain.secrets import Secret
from ports.driven.cancellation import run_to_completion
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider

LISTING_PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds between searches for a new project: lists may lag behind."""


@dataclass(frozen=True)
class ProjectProvider(DatabaseProvider):
    """The provider. No tenant's database is on the configured branch."""

    projects: NeonProjects
    configured_branch: NeonBranch
    marks: Marks
    clock: Clock
    pace: Pace = field(default_factory=Pace, init=False, repr=False)
    locks: TenantLocks = field(default_factory=TenantLocks, init=False, repr=False)

    async def provision(self, request: ProvisionRequest) -> Connection:
        if request.source:
            raise CopyUnsupported
        tenant = request.tenant
        async with self.locks.hold(tenant.id):
            await request.confirm()
            await self._reject_claimed(tenant)
            project = await self._find_project(tenant)
            if request.claims and project is None:
                raise SpareBroken(f"The spare {tenant.id} does not exist.")
            if request.extensions and project is None:  # before anything is created
                check_available(request.extensions, await self.extensions())
            branch = (
                await self._open_default_branch(project)
                if project
                else await self._create_project(tenant)
            )
            await branch.waiter.wait_until_settled()
            direct, pooled = await self._find_addresses(branch, tenant.names)
            password = direct.password or await branch.reset_password(tenant.names.owner)
            if project and project.name != self._build_name(tenant):  # last: it ends the claim
                await self.projects.rename(project, self._build_name(tenant))
        connection = _build_connection(direct, pooled, password)
        await install_extensions(request.extensions, connection, connection.host, self.clock)
        return connection

    async def extensions(self) -> Sequence[Extension]:
        """Return the extensions of the configured branch, whose version of PostgreSQL new projects
        have."""
        address = await find_admin_address(self.configured_branch)
        return await list_extensions(
            create_admin_login(self.configured_branch, address, self.clock)
        )

    async def install(self, request: ProvisionRequest) -> None:
        connection = await self.reveal(request)
        await install_extensions(request.extensions, connection, connection.host, self.clock)

    async def _find_project(self, tenant: Tenant) -> Project | None:
        """Return the tenant's project, if any. Raises ProviderRejected if there are two: either
        may be in use, so that neither is deleted."""
        found = await self.projects.find_by_prefix(self._build_name(tenant))
        if len(found) > 1:
            raise ProviderRejected(
                f"There are {len(found)} Neon projects for {tenant.id}: delete those without data "
                "in Neon's console."
            )
        return found[0] if found else None

    async def _reject_claimed(self, tenant: Tenant) -> None:
        """Raise NameTaken if the tenant is a spare that was claimed."""
        if tenant.is_spare and not all(map(_is_spare, await self._list_all_projects(tenant))):
            raise NameTaken(f"The spare {tenant.id} was claimed.")

    async def _list_all_projects(self, tenant: Tenant) -> Sequence[Project]:
        """Return the projects of the tenant's id, under all names."""
        return await self.projects.find_by_prefix(self.marks.of_claimed(tenant.id) + " ")

    async def _create_project(self, tenant: Tenant) -> NeonBranch:
        new = await run_to_completion(self._request_project(tenant))
        branch = self._open_branch(new.project, new.branch.id)
        try:
            await branch.waiter.wait_until_done(Change("", new.operations))
        except BaseException:  # an incomplete project is useless
            with suppress(PgvendError):
                await run_to_completion(self.projects.delete(new.project))
            raise
        return branch

    async def _request_project(self, tenant: Tenant) -> NewProject:
        """Create the tenant's project and check that it is listed and is the only one.

        Deletion finds projects by the lists alone.
        """
        name = self._build_name(tenant)
        try:
            new = await self.projects.create(name, tenant.names)
        except OutcomeUnknown:
            await self._wait_until_listed(name)  # before another call relies on the lists
            raise
        found = await self._wait_until_listed(name, new.project.id)
        if [project.id for project in found] == [new.project.id]:
            return new
        await self.projects.delete(new.project)  # it is not in use yet
        if found:
            raise OutcomeUnknown("An earlier request created the same project; retry the request.")
        raise ProviderBusy("Neon does not list the new project; retry the request.")

    async def _wait_until_listed(self, name: str, wanted: str | None = None) -> Sequence[Project]:
        """Wait until projects of that name, or the wanted one, are listed. Return them all."""
        for pause in LISTING_PAUSES:
            with suppress(Unavailable):
                found = await self.projects.find_by_prefix(name)
                if found and wanted in {None, *(project.id for project in found)}:
                    return found
            await self.clock.sleep(pause)
        return ()

    async def reveal(self, request: ProvisionRequest) -> Connection:
        names, branch = request.tenant.names, await self._find_branch(request.tenant)
        direct, pooled = await self._find_addresses(branch, names)
        password = direct.password or await branch.reveal_password(names.owner)
        return _build_connection(direct, pooled, password)

    async def rotate(self, request: ProvisionRequest, *, end_sessions: bool = False) -> Connection:
        names = request.tenant.names
        async with self.locks.hold(request.tenant.id):
            branch = await self._find_branch(request.tenant)
            direct, pooled = await self._find_addresses(branch, names)
            await request.confirm()
            return _build_connection(direct, pooled, await branch.reset_password(names.owner))

    @property
    def rotation_ends_sessions(self) -> bool:
        return True

    async def _find_branch(self, tenant: Tenant) -> NeonBranch:
        """Return the branch of the tenant's project. Raises DatabaseNotFound."""
        project = await self._find_project(tenant)
        if project is None:
            raise DatabaseNotFound(f"No Neon project has the database {tenant.id}.")
        return await self._open_default_branch(project)

    async def suspend(self, tenant: Tenant, confirm: Confirm = confirm_always) -> None:
        """Reset the password without revealing the new one."""
        async with self.locks.hold(tenant.id):
            for project in await self.projects.find_by_prefix(self._build_name(tenant)):
                branch = await self._open_default_branch(project)
                await confirm()
                await branch.reset_password(tenant.names.owner)

    async def delete(self, tenant: Tenant, confirm: Confirm = confirm_always) -> None:
        async with self.locks.hold(tenant.id):
            await confirm()
            for project in await self._list_all_projects(tenant):
                if _is_spare(project) or not tenant.is_spare:
                    await self.projects.delete(project)

    async def inventory(self) -> Sequence[InventoryItem]:
        marked = await self.projects.find_by_prefix(self.marks.prefix)
        return sorted(map(self._item_from_project, marked), key=lambda item: item.id)

    async def ping(self) -> None:
        await self.projects.check()

    def _build_name(self, tenant: Tenant) -> str:
        """Return the name of the tenant's project. That of its spare begins with it."""
        suffix = SPARE_SUFFIX if tenant.is_spare else ""
        mark, names = self.marks.of_claimed(tenant.id), tenant.names
        return f"{mark} {names.database} {names.owner}{suffix}"

    def _item_from_project(self, project: Project) -> InventoryItem:
        mark, _, names = project.name.removesuffix(SPARE_SUFFIX).partition(" ")
        database, _, owner = names.partition(" ")
        return InventoryItem(
            id=mark.removeprefix(self.marks.prefix),
            database=database or None,
            owner=owner or None,
            is_spare=_is_spare(project),
        )

    async def _open_default_branch(self, project: Project) -> NeonBranch:
        return self._open_branch(project, await self.projects.find_default_branch(project))

    def _open_branch(self, project: Project, branch_id: str) -> NeonBranch:
        waiter = OperationWaiter(self.projects.client, project.id, self.clock, self.pace)
        return NeonBranch(self.projects.client, project.id, branch_id, waiter)

    async def _find_addresses(
        self, branch: NeonBranch, names: PgNames
    ) -> tuple[NeonAddress, NeonAddress]:
        """Return the direct and the pooled address."""
        direct = await branch.find_address(names.database, names.owner)
        return direct, await branch.find_address(names.database, names.owner, pooled=True)


def _is_spare(project: Project) -> bool:
    return project.name.endswith(SPARE_SUFFIX)


def _build_connection(direct: NeonAddress, pooled: NeonAddress, password: Secret) -> Connection:
    return Connection(
        host=direct.host,
        port=direct.port,
        database=direct.database,
        user=direct.user,
        password=password,
        sslmode=direct.sslmode,
        pooler_host=pooled.host if pooled.host != direct.host else None,
    )
