"""One branch: its roles and databases through the API, each change waited for."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from adapters.neon.client import Client, path
from adapters.neon.errors import AlreadyThere, NotFitting, NotPossible, NotVisible
from adapters.neon.operations import Waiting
from adapters.neon.uris import Address, address_of
from adapters.neon.wire import (
    Accepted,
    ConnectionUri,
    Database,
    Databases,
    Endpoint,
    Endpoints,
    OneBranch,
    OneRole,
    Password,
    Role,
    Roles,
)
from domain.errors import OutcomeUnknown, ProviderBusy
from domain.secret import Secret

Listed = Callable[[], Awaitable[Sequence[Role | Database]]]


@dataclass(frozen=True)
class NeonBranch:
    client: Client
    project_id: str
    id: str
    waiting: Waiting

    async def check(self) -> None:
        """Raises NotVisible when the branch is not there for this key."""
        await self.client.read(self._path(), OneBranch)

    async def endpoints(self) -> Sequence[Endpoint]:
        return (await self.client.read(self._path("endpoints"), Endpoints)).endpoints

    # Lists, not single ones: they have no pages, and an empty one is an answer, while a 404 may as
    # well say that the key has lost sight of the whole project.

    async def roles(self) -> Sequence[Role]:
        return (await self.client.read(self._path("roles"), Roles)).roles

    async def databases(self) -> Sequence[Database]:
        return (await self.client.read(self._path("databases"), Databases)).databases

    async def address(self, database: str, role: str, *, pooled: bool = False) -> Address:
        """Where a database is, and how to log in to it as `role`, right after it is wanted."""
        found = await self.client.read(
            path("projects", self.project_id, "connection_uri"),
            ConnectionUri,
            branch_id=self.id,
            database_name=database,
            role_name=role,
            pooled="true" if pooled else "false",
        )
        return address_of(Secret(found.uri.get_secret_value()))

    async def order_role(self, name: str) -> OneRole:
        """Not waited for: what becomes of the request and of the work are two questions.

        Raises AlreadyThere; every error but OutcomeUnknown means that there is no new role.
        """
        body = {"role": {"name": name}}
        return await self.client.write("POST", self._path("roles"), OneRole, body)

    async def make_database(self, name: str, owner: str) -> None:
        """Raises AlreadyThere."""
        body = {"database": {"name": name, "owner_name": owner}}
        await self._change("POST", self._path("databases"), "make database", body)

    async def drop_database(self, name: str) -> None:
        """Ends the sessions in it. One that is not there is dropped."""
        await self._drop("databases", name, self.databases)

    async def drop_role(self, name: str) -> None:
        """One that is not there is dropped. Raises ProviderBusy while it owns a database, which the
        lists may not have shown yet."""
        try:
            await self._drop("roles", name, self.roles)
        except (AlreadyThere, NotFitting) as error:
            raise ProviderBusy("The role still owns a database.") from error

    async def password(self, role: str) -> Secret:
        """What it logs in with; a new one where Neon does not keep passwords."""
        try:
            return await self.kept_password(role)
        except NotPossible:
            return await self.new_password(role)

    async def kept_password(self, role: str) -> Secret:
        """What it logs in with. Raises NotPossible where Neon does not keep passwords."""
        found = await self.client.read(self._path("roles", role, "reveal_password"), Password)
        return Secret(found.password.get_secret_value())

    async def new_password(self, role: str) -> Secret:
        """Valid from the end of the operations on, which the old one is up to. Ends the sessions of
        all who are on the branch's compute."""
        answer = await self.client.write(
            "POST", self._path("roles", role, "reset_password"), OneRole
        )
        await self.waiting.until_done(answer.operations, "reset password")
        return password_of(answer.role)

    async def _drop(self, kind: str, name: str, listed: Listed) -> None:
        try:
            await self._change("DELETE", self._path(kind, name), f"drop {kind}")
        except NotVisible:  # is it gone, or the branch out of sight, or may the key not drop it?
            if name in {each.name for each in await listed()}:
                raise

    async def _change(
        self, method: str, what: str, work: str, body: dict[str, dict[str, str]] | None = None
    ) -> None:
        answer = await self.client.write(method, what, Accepted, body)
        await self.waiting.until_done(answer.operations, work)

    def _path(self, *parts: str) -> str:
        return path("projects", self.project_id, "branches", self.id, *parts)


def password_of(role: Role) -> Secret:
    """Raises OutcomeUnknown when it was left out: revealing it is the way then."""
    if role.password is None:
        raise OutcomeUnknown("Neon's answer lacks the password.")
    return Secret(role.password.get_secret_value())
