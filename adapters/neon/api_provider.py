"""DatabaseProvider that uses Neon's API alone, as the original service did: isolation `none`.

Every role that the API creates is a member of neon_superuser, which reads and writes everything on
the branch. Neon chooses the passwords.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from adapters.neon.api_models import Database, Role, RoleResponse
from adapters.neon.branch import NeonBranch, extract_password
from adapters.neon.claim_state import ClaimState, match_claim
from adapters.neon.claims import Claim, ClaimStore
from adapters.neon.errors import AlreadyExists, NotVisible
from adapters.neon.extensions import install_extensions, list_extensions
from adapters.neon.operations import Change, OperationFailed
from adapters.neon.tenant_locks import TenantLocks
from adapters.postgres.server import Server
from domain.connection import Connection
from domain.errors import (
    CopyUnsupported,
    DatabaseNotFound,
    NameTaken,
    OutcomeUnknown,
    PgvendError,
    ProviderBusy,
)
from domain.extensions import Extension, check_available
from domain.provisioning import (
    Confirm,
    InventoryItem,
    ProvisionRequest,
    Tenant,
    confirm_always,
)
from domain.secrets import Secret
from ports.driven.cancellation import run_to_completion
from ports.driven.database_provider import DatabaseProvider


@dataclass(frozen=True)
class ApiProvider(DatabaseProvider):
    """`server` describes how tenants reach the branch; its admin owns the table of claims."""

    branch: NeonBranch
    server: Server
    claims: ClaimStore
    locks: TenantLocks = field(default_factory=TenantLocks, init=False, repr=False)

    async def provision(self, request: ProvisionRequest) -> Connection:
        if request.source:
            raise CopyUnsupported
        async with self.locks.hold(request.tenant.id):
            await request.confirm()
            claim_state = await self._claim(request.tenant)
            await self._check_extensions(request, claim_state)
            password = await self._ensure_objects(claim_state)
        connection = await self._build_connection(request, password)
        await self._install(request, connection)
        return connection

    async def _check_extensions(self, request: ProvisionRequest, claim_state: ClaimState) -> None:
        """Check a new database's extensions before anything is created. Raises
        ExtensionUnavailable."""
        if request.extensions and not claim_state.owned_databases:
            try:
                check_available(request.extensions, await self.extensions())
            except BaseException:
                await self._release(claim_state.claim)
                raise

    async def extensions(self) -> Sequence[Extension]:
        return await list_extensions(self.server.admin)

    async def install(self, request: ProvisionRequest) -> None:
        await self._install(request, await self.reveal(request))

    async def _install(self, request: ProvisionRequest, connection: Connection) -> None:
        direct, clock = self.server.admin["host"], self.branch.waiter.clock
        await install_extensions(request.extensions, connection, direct, clock)

    async def _claim(self, tenant: Tenant) -> ClaimState:
        claim = await self.claims.claim(tenant)
        if claim.is_new:  # the lists would cost requests, which an account has few of
            return ClaimState(claim)
        return await self._inspect(claim)

    async def _ensure_objects(self, claim_state: ClaimState) -> Secret:
        """Create the tenant's role and database, or the missing ones of them. Return the role's
        password."""
        if claim_state.has_foreign_objects:
            await self._release(claim_state.claim)
            raise NameTaken(
                f"The name {claim_state.claim.database!r} is in use on the Neon branch."
            )
        if not claim_state.has_role:
            return await self._create_objects(claim_state)
        await self.branch.waiter.wait_until_settled()
        password = await self.branch.reveal_or_reset_password(claim_state.claim.owner)
        await self._ensure_database(claim_state)
        return password

    async def _create_objects(self, claim_state: ClaimState) -> Secret:
        """Create the role, and a database unless there is one."""
        claim = claim_state.claim
        response = await run_to_completion(self._request_role(claim))
        role, changes = Change("create role", response.operations), list[Change]()
        try:
            if not claim_state.owned_databases:
                changes.append(await self._request_database_after(role, claim))
            await self.branch.waiter.wait_until_all_done(role, *changes)
        except OperationFailed:  # what failed may stay listed, as if it existed
            if changes:
                await self.branch.delete_database(claim.database)
            await self.branch.delete_role(claim.owner)
            raise
        return extract_password(response.role)

    async def _request_database_after(self, role: Change, claim: Claim) -> Change:
        """Request the database when the role usually exists: that saves the request whether it
        does, of which an account has few."""
        waiter, waited = self.branch.waiter, 0.0
        for pause in waiter.guess_pauses(role):
            await waiter.clock.sleep(pause)
            waited += pause
            with suppress(ProviderBusy, NotVisible):
                return await self._request_database(claim)
        await waiter.wait_until_done(role, waited)
        return await self._request_database(claim)

    async def _request_database(self, claim: Claim) -> Change:
        try:
            return await self.branch.request_database(claim.database, claim.owner)
        except AlreadyExists as error:
            raise _explain_conflict(error, claim) from error

    async def _request_role(self, claim: Claim) -> RoleResponse:
        """Request a new role. Extend the claim to its creation: only the claim proves that
        pgvend created the role."""
        self.claims.mark_used(claim)
        try:
            response = await self.branch.request_role(claim.owner)
        except OutcomeUnknown:
            raise
        except PgvendError as error:
            await self._release(claim)
            raise _explain_conflict(error, claim) from error
        if not claim.covers(response.role.created_at):  # the clocks differ
            await self.claims.extend(claim, response.role.created_at)
        return response

    async def _ensure_database(self, claim_state: ClaimState) -> None:
        if claim_state.owned_databases:
            return
        try:
            change = await self._request_database(claim_state.claim)
            await self.branch.waiter.wait_until_done(change)
        except OperationFailed:
            await self.branch.delete_database(claim_state.claim.database)
            raise

    async def _release(self, claim: Claim) -> None:
        if claim.is_new:
            await self.claims.release_unused(claim)

    async def reveal(self, request: ProvisionRequest) -> Connection:
        owner = await self._find_owner(request.tenant)
        return await self._build_connection(request, await self.branch.reveal_password(owner))

    async def rotate(self, request: ProvisionRequest, *, end_sessions: bool = False) -> Connection:
        async with self.locks.hold(request.tenant.id):
            owner = await self._find_owner(request.tenant)
            await request.confirm()
            return await self._build_connection(request, await self.branch.reset_password(owner))

    @property
    def rotation_ends_sessions(self) -> bool:
        return True

    async def _find_owner(self, tenant: Tenant) -> str:
        """Return the name of the tenant's existing role. Raises DatabaseNotFound."""
        claim = await self.claims.find(tenant)
        if claim and not claim.is_new and (await self._inspect(claim)).has_role:
            return claim.owner
        raise DatabaseNotFound(f"The Neon branch has no database {tenant.id}.")

    async def suspend(self, tenant: Tenant, confirm: Confirm = confirm_always) -> None:
        """Reset the password without revealing the new one.

        The API has no other way, and SQL cannot change roles that the API created: the branch's
        first role has no ADMIN option on them.
        """
        async with self.locks.hold(tenant.id):
            with suppress(DatabaseNotFound):
                owner = await self._find_owner(tenant)
                await confirm()
                await self.branch.reset_password(owner)

    async def delete(self, tenant: Tenant, confirm: Confirm = confirm_always) -> None:
        async with self.locks.hold(tenant.id):
            await confirm()
            claim = await self.claims.find(tenant)
            if claim and claim.is_new:
                await self._release(claim)
            elif claim:
                await self._delete(await self._inspect(claim))

    async def _delete(self, claim_state: ClaimState) -> None:
        claim = claim_state.claim
        for database in claim_state.owned_databases:
            await self.branch.delete_database(database.name)
        if claim_state.has_role or (claim.is_open and claim_state.role is None):
            await self.branch.delete_role(claim.owner)
        if claim_state.has_role or not claim.is_open:
            await self.claims.release(claim)
        # else a lost request may still create the role: the claim records its tenant

    async def inventory(self) -> Sequence[InventoryItem]:
        claims = [claim for claim in await self.claims.list_claims() if not claim.is_new]
        roles, databases = await self._list_objects()
        claim_states = [match_claim(claim, roles, databases) for claim in claims]
        return [claim_state.inventory_item for claim_state in claim_states if claim_state.has_role]

    async def ping(self) -> None:
        await self.branch.check()

    async def _inspect(self, claim: Claim) -> ClaimState:
        return match_claim(claim, *await self._list_objects())

    async def _list_objects(self) -> tuple[Sequence[Role], Sequence[Database]]:
        return await self.branch.list_roles(), await self.branch.list_databases()

    async def _build_connection(self, request: ProvisionRequest, password: Secret) -> Connection:
        """Return the connection without a limit: roles that the API creates have none."""
        connection = await self.server.build_connection(replace(request, password=password))
        return replace(connection, connection_limit=None)


def _explain_conflict(error: PgvendError, claim: Claim) -> PgvendError:
    """Return the error for a name that already exists: another client took it, or an earlier
    request of this tenant created it and the lists do not show it yet."""
    if not isinstance(error, AlreadyExists):
        return error
    if claim.is_new:
        return NameTaken(f"The name {claim.database!r} is in use on the Neon branch.")
    return ProviderBusy("Neon does not list an existing role or database yet; retry the request.")
