"""DatabaseProvider that uses Neon's API alone, as the original service did: isolation `none`.

Every role that the API creates is a member of neon_superuser, which reads and writes everything on
the branch. Neon chooses the passwords.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from adapters.neon.api_models import Database, OneRole, Role
from adapters.neon.branch import NeonBranch, password_of
from adapters.neon.claim_state import Sight, sight_of
from adapters.neon.claims import Claim, Ledger
from adapters.neon.errors import AlreadyThere
from adapters.neon.extensions import extensions_on, install_late
from adapters.neon.operations import OperationFailed
from adapters.neon.tenant_locks import TenantLocks
from adapters.postgres.server import Server
from domain.connection import Connection
from domain.errors import DatabaseNotFound, NameTaken, OutcomeUnknown, PgvendError, ProviderBusy
from domain.extensions import Extension, check_available
from domain.provisioning import Holding, Order, Tenant
from domain.secrets import Secret
from ports.driven.cancellation import finished
from ports.driven.database_provider import DatabaseProvider


@dataclass(frozen=True)
class ApiProvider(DatabaseProvider):
    """`server` describes how tenants reach the branch; its admin owns the table of claims."""

    branch: NeonBranch
    server: Server
    ledger: Ledger
    locks: TenantLocks = field(default_factory=TenantLocks, init=False, repr=False)
    void: set[tuple[str, str]] = field(default_factory=set, init=False, repr=False)
    """Claims under which nothing was created and that could not be released yet."""

    async def provision(self, order: Order) -> Connection:
        async with self.locks.hold(order.tenant.id):
            sight = await self._claimed(order.tenant)
            await self._check_extensions(order, sight)
            password = await self._made_role(sight)
            await self._make_database(sight)
        connection = await self._connection(order, password)
        await self._install(order, connection)
        return connection

    async def _check_extensions(self, order: Order, sight: Sight) -> None:
        """Check a new database's extensions before anything is created. Raises
        ExtensionUnavailable."""
        if order.extensions and not sight.owned:
            try:
                check_available(order.extensions, await self.extensions())
            except BaseException:
                await self._release(sight.claim)
                raise

    async def extensions(self) -> Sequence[Extension]:
        return await extensions_on(self.server.admin)

    async def install(self, order: Order) -> None:
        await self._install(order, await self.reveal(order))

    async def _install(self, order: Order, connection: Connection) -> None:
        direct, clock = self.server.admin["host"], self.branch.waiting.clock
        await install_late(order.extensions, connection, direct, clock)

    async def _claimed(self, tenant: Tenant) -> Sight:
        claim = await self.ledger.claim(tenant)
        if claim.key in self.void:
            claim = replace(claim, is_new=True)
        try:
            return await self._look(claim)
        except BaseException:  # nothing was requested yet: a role that appears is not ours
            await self._release(claim)
            raise

    async def _made_role(self, sight: Sight) -> Secret:
        """Create the tenant's role if it is missing. Return its password."""
        if sight.has_foreign:
            await self._release(sight.claim)
            raise NameTaken(f"The name {sight.claim.database!r} is in use on the Neon branch.")
        if sight.has_role:
            await self.branch.waiting.until_settled()
            return await self.branch.reveal_or_reset_password(sight.claim.owner)
        answer = await finished(self._ordered_role(sight.claim))
        try:
            await self.branch.waiting.until_done(answer.operations, "create role")
        except OperationFailed:  # it may stay listed, as if it existed
            await self.branch.drop_role(sight.claim.owner)
            raise
        return password_of(answer.role)

    async def _ordered_role(self, claim: Claim) -> OneRole:
        """Request a new role. Extend the claim to its creation: only the claim proves that the
        role is ours."""
        self.void.discard(claim.key)
        try:
            answer = await self.branch.order_role(claim.owner)
        except OutcomeUnknown:
            raise
        except PgvendError as error:
            await self._release(claim)
            raise _meaning(error, claim) from error
        if not claim.covers(answer.role.created_at):  # the clocks differ
            await self.ledger.stretch(claim, answer.role.created_at)
        return answer

    async def _make_database(self, sight: Sight) -> None:
        if sight.owned:
            return
        try:
            await self.branch.make_database(sight.claim.database, sight.claim.owner)
        except OperationFailed:
            await self.branch.drop_database(sight.claim.database)
            raise
        except AlreadyThere as error:
            raise _meaning(error, sight.claim) from error

    async def _release(self, claim: Claim) -> None:
        """Release a new claim under which nothing was created."""
        if claim.is_new:
            self.void.add(claim.key)
            with suppress(PgvendError):
                await finished(self.ledger.release(claim))
                self.void.discard(claim.key)

    async def reveal(self, order: Order) -> Connection:
        owner = await self._owner(order.tenant)
        return await self._connection(order, await self.branch.kept_password(owner))

    async def rotate(self, order: Order, *, end_sessions: bool = False) -> Connection:
        async with self.locks.hold(order.tenant.id):
            owner = await self._owner(order.tenant)
            return await self._connection(order, await self.branch.new_password(owner))

    @property
    def rotation_ends_sessions(self) -> bool:
        return True

    async def _owner(self, tenant: Tenant) -> str:
        """Return the name of the tenant's existing role. Raises DatabaseNotFound."""
        claim = await self.ledger.find(tenant)
        if claim and claim.key not in self.void and (await self._look(claim)).has_role:
            return claim.owner
        raise DatabaseNotFound(f"The Neon branch has no database {tenant.id}.")

    async def suspend(self, tenant: Tenant) -> None:
        """Reset the password and reveal it to nobody.

        The API has no other way, and SQL cannot change roles that the API created: the branch's
        first role has no ADMIN option on them.
        """
        async with self.locks.hold(tenant.id):
            with suppress(DatabaseNotFound):
                await self.branch.new_password(await self._owner(tenant))

    async def delete(self, tenant: Tenant) -> None:
        async with self.locks.hold(tenant.id):
            claim = await self.ledger.find(tenant)
            if claim and claim.key in self.void:
                await self._release(replace(claim, is_new=True))
            elif claim:
                await self._delete(await self._look(claim))

    async def _delete(self, sight: Sight) -> None:
        claim = sight.claim
        for database in sight.owned:
            await self.branch.drop_database(database.name)
        if sight.has_role or (claim.is_open and sight.role is None):
            await self.branch.drop_role(claim.owner)
        if sight.has_role or not claim.is_open:
            await self.ledger.release(claim)
        # else a lost request may still create the role: the claim records its tenant

    async def inventory(self) -> Sequence[Holding]:
        claims = [claim for claim in await self.ledger.all() if claim.key not in self.void]
        roles, databases = await self._listed()
        sights = [sight_of(claim, roles, databases) for claim in claims]
        return [sight.holding for sight in sights if sight.has_role]

    async def ping(self) -> None:
        await self.branch.check()

    async def _look(self, claim: Claim) -> Sight:
        return sight_of(claim, *await self._listed())

    async def _listed(self) -> tuple[Sequence[Role], Sequence[Database]]:
        return await self.branch.list_roles(), await self.branch.list_databases()

    async def _connection(self, order: Order, password: Secret) -> Connection:
        """Return the connection without a limit: roles that the API creates have none."""
        known = await self.server.build_connection(replace(order, password=password))
        return replace(known, connection_limit=None)


def _meaning(error: PgvendError, claim: Claim) -> PgvendError:
    """Return the error for a name that already exists: another client took it, or an earlier call
    of ours created it and the lists do not show it yet."""
    if not isinstance(error, AlreadyThere):
        return error
    if claim.is_new:
        return NameTaken(f"The name {claim.database!r} is in use on the Neon branch.")
    return ProviderBusy("Neon does not list an existing role or database yet; retry the request.")
