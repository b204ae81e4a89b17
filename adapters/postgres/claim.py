"""Claim of a spare: it becomes a tenant's database."""

from dataclasses import dataclass

import asyncpg

from adapters.postgres import statements
from adapters.postgres.blocking_sessions import end_object_lock_holders, end_row_lock_holders
from adapters.postgres.inspection import TenantState, inspect_tenant
from adapters.postgres.marks import Marks
from adapters.postgres.membership import role_membership
from adapters.postgres.prepared_transactions import end_prepared_transactions
from adapters.postgres.quoting import quote_identifier, quote_literal
from adapters.postgres.server import Server
from adapters.postgres.sessions import Session
from domain.errors import NameTaken, SpareBroken
from domain.names import PgNames
from domain.provisioning import Tenant

_NOT_CLAIMED = (
    asyncpg.UndefinedObjectError,  # also of _check_spare
    asyncpg.DuplicateObjectError,
    asyncpg.DuplicateDatabaseError,
)
"""Errors of a claim that an inspection explains. Nothing was changed."""

_PREPARE_CHECK = """
PREPARE check_spare (name, text, text) AS
SELECT current_setting('pgvend.spare_is_broken')
WHERE NOT EXISTS (
    SELECT FROM pg_database
    WHERE datname = $1 AND datdba = $2::regrole AND datconnlimit <> -2
) OR NOT EXISTS (
    SELECT FROM pg_shdescription
    WHERE objoid = $2::regrole AND classoid = 'pg_authid'::regclass AND description = $3
)
"""
"""The check of a spare by its database, its owner and its mark. It fails by reading a setting that
does not exist. Planning it again for each claim would take longer than a rename."""


async def prepare_session(session: Session) -> None:
    """Prepare a new session for claims: the server plans the check once for each session."""
    await session.execute(_PREPARE_CHECK)


@dataclass(frozen=True)
class Claim:
    """The claim of the spare of a tenant's id. Safe to repeat after a lost answer."""

    session: Session
    tenant: Tenant
    server: Server
    marks: Marks

    async def run(self) -> bool:
        """Change the spare without inspecting it before. Return whether one transaction did so, and
        left nothing behind in the session. Raises SpareBroken and NameTaken."""
        try:
            return await self._change_past_locks()
        except _NOT_CLAIMED as error:
            await self.session.execute(statements.lock_tenant(self.tenant.id))
            self._check_claimed(await inspect_tenant(self.session, self.tenant, self.marks), error)
            return False

    async def _change_past_locks(self) -> bool:
        """Change the spare. If a transaction locks its role or its database, end that one. Return
        whether none did."""
        text = claim_spare(self.tenant, self.marks)
        try:
            await self.session.execute(statements.with_short_lock_timeout(text))
        except asyncpg.LockNotAvailableError:
            await self._end_lock_holders(PgNames.from_id(self.tenant.id))
            await self.session.execute(text)
            return False
        return True

    async def _end_lock_holders(self, spare: PgNames) -> None:
        session, database = self.session, spare.database
        async with role_membership(session, spare.owner, self.tenant.id):
            await end_object_lock_holders(session, role=spare.owner, database=database)
            await end_row_lock_holders(session, database)
            await end_prepared_transactions(
                session, [database], spare.owner, self.server, self.marks
            )

    def _check_claimed(self, state: TenantState, error: asyncpg.PostgresError) -> None:
        """Check that an earlier call claimed the spare. Raises SpareBroken and NameTaken."""
        names = self.tenant.names
        is_intact = any(
            database.name == names.database and not database.is_broken
            for database in state.databases
        )
        if state.owner == names.owner and not state.is_spare and is_intact:
            return
        if state.has_name_conflict:
            raise NameTaken(f"The name {names.database!r} is in use on the server.") from error
        raise SpareBroken(f"The spare {self.tenant.id} is not complete.") from error


def claim_spare(tenant: Tenant, marks: Marks) -> str:
    """Rename the spare's role and database, replace their marks, and open them, under the tenant's
    lock. The password stays, because a new one costs more than all of this.

    One transaction and one round trip: if any of it fails, nothing is changed. The admin is a
    member of the role in this transaction only.
    """
    names, mark = tenant.names, quote_literal(marks.of(tenant))
    owner, database = quote_identifier(names.owner), quote_identifier(names.database)
    changes = [
        f"SELECT pg_advisory_xact_lock({statements.build_lock_key(tenant.id)})",
        _check_spare(tenant, marks),
        statements.join_role(PgNames.from_id(tenant.id).owner),
        *_rename_spare(tenant),
        f"ALTER ROLE {owner} LOGIN",
        f"COMMENT ON ROLE {owner} IS {mark}",
        f"ALTER DATABASE {database} ALLOW_CONNECTIONS true",
        f"COMMENT ON DATABASE {database} IS {mark}",
        statements.leave_role(names.owner),
    ]
    return "; ".join(changes)


def _rename_spare(tenant: Tenant) -> list[str]:
    """Rename the spare, unless the tenant has opaque names."""
    spare, names = PgNames.from_id(tenant.id), tenant.names
    if spare == names:
        return []
    return [
        statements.rename_role(spare.owner, names.owner),
        statements.rename_database(spare.database, names.database),
    ]


def _check_spare(tenant: Tenant, marks: Marks) -> str:
    """Fail unless the spare is complete. Requires a session that `prepare_session` prepared."""
    spare = PgNames.from_id(tenant.id)
    values = (spare.database, quote_identifier(spare.owner), marks.of_spare(tenant.id))
    return f"EXECUTE check_spare ({', '.join(map(quote_literal, values))})"
