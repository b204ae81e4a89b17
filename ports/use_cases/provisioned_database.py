"""A database with its connection."""

from dataclasses import dataclass, field

from domain.connection import Connection
from domain.database import Database
from domain.errors import SecretUnknown
from domain.passwords import PasswordDeriver
from ports.driven.database_provider import DatabaseProvider


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionedDatabase:
    """`verified` says whether a login with the connection worked; None if none was requested.
    `is_new` is false if the request reused a database. `sessions_ended` says whether the operation
    ended the owner's sessions."""

    database: Database
    connection: Connection
    verified: bool | None = None
    is_new: bool = field(default=True, compare=False)
    sessions_ended: bool = field(default=False, compare=False)


async def reveal_connection(
    provider: DatabaseProvider, database: Database, passwords: PasswordDeriver
) -> ProvisionedDatabase:
    """Return the database with its connection. Raises SecretUnknown if the password cannot be
    derived, and what the provider's `reveal` raises."""
    connection = await provider.reveal(database.to_provision_request(passwords))
    if not connection.password.is_known:
        raise SecretUnknown
    return ProvisionedDatabase(database=database, connection=connection)
