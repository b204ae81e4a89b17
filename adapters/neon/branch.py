"""One Neon branch: its roles and databases in the API, where each change waits for completion."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from adapters.neon.addresses import NeonAddress, parse_address
from adapters.neon.api_models import (
    Accepted,
    BranchResponse,
    ConnectionUri,
    Database,
    Databases,
    Endpoint,
    Endpoints,
    Password,
    Role,
    RoleResponse,
    Roles,
)
from adapters.neon.client import Client, build_path
from adapters.neon.errors import AlreadyExists, NotVisible, RequirementMissing, Unprocessable
from adapters.neon.operations import Change, OperationWaiter
from domain.errors import OutcomeUnknown, ProviderBusy
from domain.secrets import Secret

ListObjects = Callable[[], Awaitable[Sequence[Role | Database]]]


@dataclass(frozen=True)
class NeonBranch:
    client: Client
    project_id: str
    id: str
    waiter: OperationWaiter

    async def check(self) -> None:
        """Raise NotVisible if the API key cannot see the branch."""
        await self.client.read(self._build_path(), BranchResponse)

    async def list_endpoints(self) -> Sequence[Endpoint]:
        return (await self.client.read(self._build_path("endpoints"), Endpoints)).endpoints

    # Lists, not single objects: they have no pages, and an empty list is conclusive, while a 404
    # may also mean that the key no longer sees the whole project.

    async def list_roles(self) -> Sequence[Role]:
        return (await self.client.read(self._build_path("roles"), Roles)).roles

    async def list_databases(self) -> Sequence[Database]:
        return (await self.client.read(self._build_path("databases"), Databases)).databases

    async def find_address(self, database: str, role: str, *, pooled: bool = False) -> NeonAddress:
        """Return a database's address and login as `role`, even while both are being created."""
        response = await self.client.read(
            build_path("projects", self.project_id, "connection_uri"),
            ConnectionUri,
            branch_id=self.id,
            database_name=database,
            role_name=role,
            pooled="true" if pooled else "false",
        )
        return parse_address(Secret(response.uri.get_secret_value()))

    async def request_role(self, name: str) -> RoleResponse:
        """Request a role without waiting for its operations, so that the caller can distinguish a
        failed request from a failed operation.

        Raises AlreadyExists; every error but OutcomeUnknown means that no role was created.
        """
        body = {"role": {"name": name}}
        return await self.client.write("POST", self._build_path("roles"), RoleResponse, body)

    async def request_database(self, name: str, owner: str) -> Change:
        """Request a database without waiting for its operations. Raises AlreadyExists."""
        body = {"database": {"name": name, "owner_name": owner}}
        response = await self.client.write("POST", self._build_path("databases"), Accepted, body)
        return Change("create database", response.operations)

    async def delete_database(self, name: str) -> None:
        """Delete a database and end its sessions. Do nothing if it does not exist."""
        await self._delete("databases", name, self.list_databases)

    async def delete_role(self, name: str) -> None:
        """Delete a role. Do nothing if it does not exist.

        Raises ProviderBusy while it owns a database, which the lists may not show yet.
        """
        try:
            await self._delete("roles", name, self.list_roles)
        except (AlreadyExists, Unprocessable) as error:
            raise ProviderBusy("The Neon role still owns a database; retry the request.") from error

    async def reveal_or_reset_password(self, role: str) -> Secret:
        """Return a role's password; reset it if Neon does not store passwords."""
        try:
            return await self.reveal_password(role)
        except RequirementMissing:
            return await self.reset_password(role)

    async def reveal_password(self, role: str) -> Secret:
        """Return a role's password. Raises RequirementMissing if Neon does not store passwords."""
        path = self._build_path("roles", role, "reveal_password")
        response = await self.client.read(path, Password)
        return Secret(response.password.get_secret_value())

    async def reset_password(self, role: str) -> Secret:
        """Reset a role's password. Return the new one, which replaces the old one when the
        operations end.

        Neon ends all sessions on the branch's compute.
        """
        response = await self.client.write(
            "POST", self._build_path("roles", role, "reset_password"), RoleResponse
        )
        await self.waiter.wait_until_done(Change("reset password", response.operations))
        return extract_password(response.role)

    async def _delete(self, kind: str, name: str, list_objects: ListObjects) -> None:
        try:
            response = await self.client.write("DELETE", self._build_path(kind, name), Accepted)
            await self.waiter.wait_until_done(Change(f"delete {kind}", response.operations))
        except NotVisible:  # deleted already, or hidden from the key
            if name in {each.name for each in await list_objects()}:
                raise

    def _build_path(self, *parts: str) -> str:
        return build_path("projects", self.project_id, "branches", self.id, *parts)


def extract_password(role: Role) -> Secret:
    """Return the role's password. Raises OutcomeUnknown if the response lacks it: reveal it
    then."""
    if role.password is None:
        raise OutcomeUnknown("Neon's response lacks the password; retry the request.")
    return Secret(role.password.get_secret_value())
