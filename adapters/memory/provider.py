"""A provider in memory. It keeps the contract of the port, but its databases accept no logins."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from adapters.memory.catalog import Catalog, Owner
from adapters.memory.contents import Contents
from adapters.memory.extensions import EXTENSIONS
from domain.connection import Connection
from domain.errors import DatabaseNotFound, NameTaken, ProviderFull, ProviderRejected
from domain.extensions import Extension, check_available
from domain.provisioning import (
    Confirm,
    InventoryItem,
    ProvisionRequest,
    Tenant,
    Tombstone,
    confirm_always,
)
from domain.secrets import Secret
from domain.sizes import Measurement
from ports.driven.database_provider import DatabaseProvider
from ports.driven.login_check import LoginCheck, PasswordRefused
from ports.driven.size_limiter import SizeLimiter

FaultHook = Callable[[str], Awaitable[None]]
"""Called with a method's name before and after its effect. May wait, raise, or be cancelled."""


async def no_fault(moment: str) -> None:
    """Inject no fault and no delay. The default."""


class MemoryProvider(DatabaseProvider, SizeLimiter):
    """The provider. Spares are not measured, because nobody can fill them.

    `capacity` is the maximum number of databases; `fault_hook` injects latency and faults."""

    def __init__(self, *, capacity: int | None = None, fault_hook: FaultHook = no_fault) -> None:
        self._capacity = capacity
        self._fault_hook = fault_hook
        self._catalog = Catalog()
        self._owners, self._databases = self._catalog.owners, self._catalog.databases
        self.contents = Contents()
        self._dependents: dict[str, int] = {}
        self._tombstones: set[str] = set()
        self._lock = asyncio.Lock()  # of a confirmation and its change

    async def provision(self, request: ProvisionRequest) -> Connection:
        await self._fault_hook("before provision")
        self._reject_foreign(request.tenant)
        check_available(request.extensions, EXTENSIONS)
        if request.claims:
            self._catalog.claim(request.tenant, request.extensions)
        else:
            await self._create(request)
        await self._fault_hook("after provision")
        return self._create_connection(request)

    async def _create(self, request: ProvisionRequest) -> None:
        tenant = request.tenant
        async with self._lock:
            await request.confirm()
            self._reject_overflow(tenant)
            self._open_owner(request)
        await self._fault_hook("during provision")
        self._reject_foreign(tenant)
        if request.source and not self._catalog.list_databases(tenant):
            self._copy(request.source, tenant, ends_sessions=request.ends_sessions)
        self._catalog.rename_database(tenant)

    def _open_owner(self, request: ProvisionRequest) -> None:
        """Create the role, or reset the one that an earlier attempt left."""
        tenant = request.tenant
        former = self._catalog.rename_owner(tenant)
        self._owners[tenant.names.owner] = Owner(
            tenant.id,
            request.password,
            is_spare=tenant.is_spare,
            is_read_only=former is not None and former.is_read_only,
            extensions=(former.extensions if former else frozenset()) | set(request.extensions),
        )
        self._tombstones.discard(tenant.id)

    @property
    def can_copy(self) -> bool:
        return True

    def _copy(self, source: Tenant, tenant: Tenant, *, ends_sessions: bool) -> None:
        """Copy the contents and the extensions of the source's database."""
        if not self._catalog.list_databases(source):
            raise DatabaseNotFound(f"Database {source.id!r} does not exist.")
        self.contents.copy(source.id, tenant.id, ends_sessions=ends_sessions)
        (_, copied), (name, owner) = self._find_owner(source), self._find_owner(tenant)
        self._owners[name] = replace(owner, extensions=owner.extensions | copied.extensions)

    async def extensions(self) -> Sequence[Extension]:
        await self._fault_hook("extensions")
        return EXTENSIONS

    async def install(self, request: ProvisionRequest) -> None:
        await self._fault_hook("before install")
        name, owner = self._find_owner(request.tenant)
        check_available(request.extensions, EXTENSIONS)
        if owner.password != request.password:
            raise ProviderRejected(f"The login of {name!r} was refused.")
        self._owners[name] = replace(owner, extensions=owner.extensions | set(request.extensions))
        await self._fault_hook("after install")

    async def reveal(self, request: ProvisionRequest) -> Connection:
        await self._fault_hook("reveal")
        return self._create_connection(request)

    async def rotate(self, request: ProvisionRequest, *, end_sessions: bool = False) -> Connection:
        await self._fault_hook("before rotate")
        async with self._lock:
            await request.confirm()
            name, owner = self._find_owner(request.tenant)
            self._owners[name] = replace(owner, password=request.password)
        await self._fault_hook("after rotate")
        return self._create_connection(request)

    async def suspend(self, tenant: Tenant, confirm: Confirm = confirm_always) -> None:
        await self._fault_hook("before suspend")
        async with self._lock:
            await confirm()
            if name := self._catalog.find(tenant):
                self._owners[name] = replace(self._owners[name], is_suspended=True)
        await self._fault_hook("after suspend")

    async def delete(self, tenant: Tenant, confirm: Confirm = confirm_always) -> Tombstone | None:
        await self._fault_hook("before delete")
        async with self._lock:
            await confirm()
            for database in self._catalog.list_databases(tenant):
                del self._databases[database]
                self.contents.clear(tenant.id)
        await self._fault_hook("during delete")
        if name := self._catalog.find(tenant):
            del self._owners[name]
        elif tenant.id in self._tombstones:
            self._dependents[tenant.id] -= 1
        tombstone = self._find_tombstone(tenant.id)
        await self._fault_hook("after delete")
        return tombstone

    def _find_tombstone(self, tenant_id: str) -> Tombstone | None:
        if number := self._dependents.get(tenant_id, 0):
            self._tombstones.add(tenant_id)
            return Tombstone(f"tombstone_{tenant_id}", f"Objects of others refer to it: {number}.")
        self._tombstones.discard(tenant_id)
        return None

    async def inventory(self) -> Sequence[InventoryItem]:
        await self._fault_hook("inventory")
        databases = {tenant_id: name for name, tenant_id in self._databases.items()}
        items = [
            InventoryItem(
                id=owner.tenant_id,
                database=databases.get(owner.tenant_id),
                owner=name,
                is_spare=owner.is_spare,
            )
            for name, owner in self._owners.items()
        ]
        items += [
            InventoryItem(id=each, database=None, owner=f"tombstone_{each}", is_tombstone=True)
            for each in self._tombstones
        ]
        return sorted(items, key=lambda item: item.id)

    async def ping(self) -> None:
        await self._fault_hook("ping")

    async def measure_sizes(
        self, tenant_ids: Collection[str] | None = None
    ) -> Mapping[str, Measurement]:
        await self._fault_hook("measure_sizes")
        owners = {each.tenant_id: each for each in self._owners.values() if not each.is_spare}
        ids = [tenant_id for tenant_id in self._databases.values() if tenant_id in owners]
        return {
            tenant_id: Measurement(
                self.contents.get_size(tenant_id), owners[tenant_id].is_read_only
            )
            for tenant_id in ids
            if tenant_ids is None or tenant_id in tenant_ids
        }

    async def set_read_only(self, tenant: Tenant) -> None:
        await self._fault_hook("before set_read_only")
        self._set_read_only(tenant, is_read_only=True)
        await self._fault_hook("after set_read_only")

    async def clear_read_only(self, tenant: Tenant) -> None:
        await self._fault_hook("before clear_read_only")
        self._set_read_only(tenant, is_read_only=False)
        await self._fault_hook("after clear_read_only")

    def set_size(self, tenant_id: str, size: int) -> None:
        """Set the size of the database, as if it held data."""
        self.contents.sizes[tenant_id] = size

    def set_password(self, owner: str, password: Secret) -> None:
        """Set the password of that role, as its owner can."""
        self._owners[owner] = replace(self._owners[owner], password=password)

    def add_dependents(self, tenant_id: str, times: int) -> None:
        """Simulate objects of others that refer to the role. Its tombstone disappears after that
        many calls of `delete`."""
        self._dependents[tenant_id] = times

    def is_read_only(self, tenant: Tenant) -> bool:
        name = self._catalog.find(tenant)
        return name is not None and self._owners[name].is_read_only

    def list_installed(self, tenant: Tenant) -> frozenset[str]:
        """Return the names of the extensions in the tenant's database."""
        name = self._catalog.find(tenant)
        return self._owners[name].extensions if name else frozenset()

    def accepts(self, connection: Connection) -> bool:
        """Return whether a login with these credentials would work."""
        owner = self._owners.get(connection.user)
        return (
            owner is not None
            and not owner.is_suspended
            and owner.password == connection.password
            and self._databases.get(connection.database) == owner.tenant_id
        )

    def refuses_password(self, connection: Connection) -> bool:
        """Return whether a login would fail because of the user or the password."""
        owner = self._owners.get(connection.user)
        return owner is None or owner.password != connection.password

    def _find_owner(self, tenant: Tenant) -> tuple[str, Owner]:
        """Return the tenant's role and its name. Raises DatabaseNotFound."""
        name = self._catalog.find(tenant)
        if name is None:
            raise DatabaseNotFound(f"Database {tenant.id!r} does not exist.")
        return name, self._owners[name]

    def _set_read_only(self, tenant: Tenant, *, is_read_only: bool) -> None:
        if name := self._catalog.find(tenant):
            self._owners[name] = replace(self._owners[name], is_read_only=is_read_only)

    def _reject_foreign(self, tenant: Tenant) -> None:
        if self._catalog.has_conflict(tenant):
            raise NameTaken(f"The name {tenant.names.database!r} is in use on the provider.")

    def _reject_overflow(self, tenant: Tenant) -> None:
        is_full = self._capacity is not None and len(self._owners) >= self._capacity
        if is_full and not self._catalog.find(tenant):
            raise ProviderFull(f"The capacity of {self._capacity} databases is used up.")

    def _create_connection(self, request: ProvisionRequest) -> Connection:
        names = request.tenant.names
        return Connection(
            host="memory.invalid",
            port=5432,
            database=names.database,
            user=names.owner,
            password=request.password,
        )


@dataclass(frozen=True)
class MemoryLoginCheck(LoginCheck):
    provider: MemoryProvider

    async def verify(self, connection: Connection) -> None:
        if self.provider.refuses_password(connection):
            raise PasswordRefused(f"The password of {connection.user!r} was refused.")
        if not self.provider.accepts(connection):
            raise ProviderRejected(f"The login of {connection.user!r} was refused.")
