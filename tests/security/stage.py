"""Two tenants of one service on servers of every kind: A, which has data, and B, which attacks it.

The servers' operators applied the fixes in pgvend's startup warning.
"""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import asyncpg

from adapters.driver.connector import Login
from adapters.postgres.provider import PostgresProvider
from domain.connection import Connection
from domain.provisioning import ProvisionRequest
from ports.driven.database_provider import DatabaseProvider
from tests.security.outcome import Kind, Outcome
from tests.security.tenants import Arrange, Tenants, apart
from tests.support.databases import provisioned_database
from tests.support.guard_runs import run_provider_guard
from tests.support.neon.emulator import RunningEmulator
from tests.support.neon.providers import provider_on
from tests.support.postgres_under_test import (
    PostgresUnderTest,
    bundled_under_test,
    operators_under_test,
    tenant_session,
)
from tests.support.provision_requests import new_provision_request
from tests.support.servers import OperatorsServer

Base = OperatorsServer | PostgresProvider | RunningEmulator

NEON_OWNER = "neondb_owner"
NEON_ADMIN_DATABASE = "neondb"

SESSION_LIMIT = 3
"""The connection limit of a tenant, where the admin may set one."""

_REFUSALS = (
    asyncpg.InsufficientPrivilegeError,
    asyncpg.InvalidAuthorizationSpecificationError,  # pg_hba.conf or the password refuses
    asyncpg.ObjectNotInPrerequisiteStateError,  # template0 accepts no logins
    asyncpg.InvalidCatalogNameError,  # the database does not exist on other servers
    asyncpg.UndefinedObjectError,  # the role does not exist
)


class Refused(Exception):
    """The server refused B's action."""


@contextmanager
def translate_refusals() -> Iterator[None]:
    """Turn a refusal into Refused; other errors pass."""
    try:
        yield
    except _REFUSALS as error:
        raise Refused from error
    except asyncpg.InvalidParameterValueError as error:
        if re.search("role .* does not exist", str(error)):
            raise Refused from error
        raise


_SNAPSHOT = """
SELECT row_to_json(whole)::text FROM (
    SELECT
        (SELECT array_agg(word) FROM public.treasure) AS words,
        (SELECT array_agg(convert_from(lo_get(oid), 'UTF8')) FROM pg_largeobject_metadata)
            AS objects,
        (SELECT array_agg(c::text ORDER BY c.oid) FROM pg_class AS c
            WHERE relnamespace IN ('public'::regnamespace, 'vault'::regnamespace)) AS relations,
        (SELECT array_agg(n::text ORDER BY n.oid) FROM pg_namespace AS n
            WHERE nspname !~ '^pg_') AS schemas,
        (SELECT array_agg(p.proname) FROM pg_proc AS p WHERE p.oid >= 16384) AS functions,
        (SELECT to_jsonb(d) - '{datfrozenxid,datminmxid}'::text[] FROM pg_database AS d
            WHERE datname = current_database()) AS database,
        (SELECT r::text FROM pg_roles AS r WHERE rolname = current_user) AS role,
        (SELECT array_agg(s::text) FROM pg_db_role_setting AS s
            WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
               OR setrole = current_user::regrole) AS settings,
        (SELECT array_agg(m::text ORDER BY m.oid) FROM
            (SELECT 1 AS oid, roleid, member FROM pg_auth_members
             WHERE current_user::regrole IN (roleid, member)) AS m) AS memberships
) AS whole
"""


@dataclass(frozen=True)
class TemporaryTenant:
    """A tenant that exists for a part of an attack."""

    provision_request: ProvisionRequest
    connection: Connection


@dataclass(frozen=True)
class Stage:
    """A server with both tenants. `admin_database` is pgvend's own database, `superuser` an
    operator's login, `log` the server's log; the last two are None where they do not exist."""

    kind: Kind
    provider: DatabaseProvider
    admin: str
    admin_database: str
    superuser: Login | None = field(repr=False)
    log: Path | None
    a_request: ProvisionRequest
    b_request: ProvisionRequest
    a: Connection
    b: Connection

    @property
    def success(self) -> Outcome:
        """The outcome if the server allowed an action on B's server."""
        return Outcome.POSSIBLE if self.kind.is_shared else Outcome.OWN

    def as_a(self) -> AbstractAsyncContextManager[asyncpg.Connection]:
        return tenant_session(self.a)

    @asynccontextmanager
    async def as_b(self, **login: object) -> AsyncIterator[asyncpg.Connection]:
        """Log in as B. Raises Refused for every refusal."""
        with translate_refusals():
            async with tenant_session(self.b, **login) as session:
                yield session

    def as_b_in_a(self) -> AbstractAsyncContextManager[asyncpg.Connection]:
        """Log in to A's database with B's login."""
        return self.as_b(host=self.a.host, port=self.a.port, database=self.a.database)

    @asynccontextmanager
    async def temporary_tenant(self) -> AsyncIterator[TemporaryTenant]:
        """Provision one more tenant until the context exits."""
        provision_request = new_provision_request()
        async with provisioned_database(self.provider, provision_request) as connection:
            yield TemporaryTenant(provision_request, connection)

    def fill_names(self, text: str) -> str:
        """Fill in the names of both tenants."""
        return text.format(
            a=f'"{self.a.user}"',
            a_database=f'"{self.a.database}"',
            b=f'"{self.b.user}"',
            b_database=f'"{self.b.database}"',
            admin=f'"{self.admin}"',
            admin_database=f'"{self.admin_database}"',
        )

    async def snapshot(self) -> str:
        """Return all of A's data and rights, as a new session of A sees them."""
        async with self.as_a() as session:
            return str(await session.fetchval(_SNAPSHOT))


@asynccontextmanager
async def open_stage(kind: Kind, base: Base, arrange: Arrange = apart) -> AsyncIterator[Stage]:
    if isinstance(base, RunningEmulator):
        async with _closed_admin_database(base), provider_on(base, kind.isolation) as provider:
            create_stage = partial(
                Stage,
                admin=NEON_OWNER,
                admin_database=NEON_ADMIN_DATABASE,
                superuser=None,
                log=None,
            )
            async with arrange(kind, provider) as tenants:
                yield _create_stage(kind, provider, create_stage, tenants)
    elif isinstance(base, OperatorsServer):
        async with (
            operators_under_test(base) as postgres,
            _on_server(kind, postgres, arrange) as stage,
        ):
            yield stage
    else:
        async with _on_server(kind, bundled_under_test(base), arrange) as stage:
            yield stage


@asynccontextmanager
async def _on_server(
    kind: Kind, postgres: PostgresUnderTest, arrange: Arrange
) -> AsyncIterator[Stage]:
    server = replace(postgres.provider.server, connection_limit=SESSION_LIMIT)
    create_stage = partial(
        Stage,
        admin=postgres.admin,
        admin_database="postgres",
        superuser=postgres.superuser,
        log=postgres.log,
    )
    provider = replace(postgres.provider, server=server)
    async with (
        run_provider_guard(provider) as guard_run,
        arrange(kind, provider) as tenants,
    ):
        stage = _create_stage(kind, provider, create_stage, tenants)
        yield stage
        ended = [
            reason for tenant, reason in guard_run.ended if tenant == stage.a_request.tenant.id
        ]
        assert not ended, "the guard ended a session of A's"


def _create_stage(
    kind: Kind, provider: DatabaseProvider, create_stage: partial[Stage], tenants: Tenants
) -> Stage:
    a_request, b_request, a, b = tenants
    return create_stage(
        kind=kind, provider=provider, a_request=a_request, b_request=b_request, a=a, b=b
    )


@asynccontextmanager
async def _closed_admin_database(neon: RunningEmulator) -> AsyncIterator[None]:
    """Close the admin's database to other roles until the context exits."""
    privileges = f"CONNECT, TEMPORARY ON DATABASE {NEON_ADMIN_DATABASE}"
    async with neon.session(NEON_OWNER, NEON_ADMIN_DATABASE) as owner:
        await owner.execute(f"REVOKE {privileges} FROM PUBLIC")
    try:
        yield
    finally:
        async with neon.session(NEON_OWNER, NEON_ADMIN_DATABASE) as owner:
            await owner.execute(f"GRANT {privileges} TO PUBLIC")
