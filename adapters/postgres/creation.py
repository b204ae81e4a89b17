"""Creation of a tenant's role and database, or of what an earlier attempt did not create."""

from dataclasses import dataclass, field

from adapters.postgres import statements
from adapters.postgres.copying import COPYING_LIMIT, Copy, find_missing_source
from adapters.postgres.deletion import drop_database
from adapters.postgres.encoding import fetch_template0
from adapters.postgres.inspection import TenantState, inspect_tenant
from adapters.postgres.marks import Marks
from adapters.postgres.server import Server
from adapters.postgres.sessions import Session
from domain.errors import NameTaken
from domain.provisioning import ProvisionRequest, Tenant


@dataclass
class Creation:
    """The creation of the request's tenant, under the tenant's lock. Safe to repeat after a crash
    at any point. `password` may be a SCRAM verifier; `state` is what exists."""

    session: Session
    request: ProvisionRequest
    password: str = field(repr=False)
    state: TenantState
    server: Server
    marks: Marks

    async def run(self) -> None:
        """Create what is missing, and open it for logins. Raises NameTaken, and what `Copy.run`
        raises."""
        tenant = self.request.tenant
        if self.state.has_name_conflict:
            raise NameTaken(f"The name {tenant.names.database!r} is in use on the server.")
        if source := await find_missing_source(self.session, self.request, self.state, self.marks):
            await self._set_role(COPYING_LIMIT)
            await self._copy(source)
        await self._set_role(self.server.connection_limit)
        await self._create_database()
        await self.session.execute(statements.open_database(tenant, self.marks.of(tenant)))

    async def _set_role(self, connection_limit: int) -> None:
        """Create the role, or reset and rename the one that exists."""
        tenant, owner = self.request.tenant, self.state.owner
        change = statements.reset_role if self.state.has_role else statements.create_role
        statement = change(tenant, self.marks.of(tenant), self.password, connection_limit)
        if owner and owner != tenant.names.owner:
            statement = f"{statements.rename_role(owner, tenant.names.owner)}; {statement}"
        await self.session.execute(statement)

    async def _copy(self, source: Tenant) -> None:
        copy = Copy(
            session=self.session,
            tenant=self.request.tenant,
            source=source,
            ends_sessions=self.request.ends_sessions,
            state=self.state,
            server=self.server,
            marks=self.marks,
        )
        await copy.run()
        self.state = await inspect_tenant(self.session, self.request.tenant, self.marks)

    async def _create_database(self) -> None:
        """Create the database, unless the tenant has one, which its owner may have renamed."""
        name, databases = self.request.tenant.names.database, self.state.databases
        for database in databases:
            if database.is_broken:
                await drop_database(self.session, database.name)
        intact = [database.name for database in databases if not database.is_broken]
        if name in intact:
            return
        if intact:
            await self.session.execute(statements.rename_database(intact[0], name))
            return
        template = await fetch_template0(self.session)
        statement = statements.create_database(self.request.tenant, template.clause)
        await self.session.execute(statement)
