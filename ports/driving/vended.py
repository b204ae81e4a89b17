"""What is handed out."""

from dataclasses import dataclass, field

from domain.connection import Connection
from domain.database import Database
from domain.errors import SecretUnknown
from domain.passwords import PasswordDeriver
from ports.driven.database_provider import DatabaseProvider


@dataclass(frozen=True, slots=True, kw_only=True)
class Vended:
    """`verified` says whether a login with the connection worked just now; None where nobody asked
    for one. `sessions_ended` says whether the owner's sessions have ended with what was done."""

    database: Database
    connection: Connection
    verified: bool | None = None
    sessions_ended: bool = field(default=False, compare=False)


async def vended_again(
    provider: DatabaseProvider, database: Database, passwords: PasswordDeriver
) -> Vended:
    """What was handed out. Raises SecretUnknown where nobody can say the password any more, and
    what `reveal` raises."""
    connection = await provider.reveal(database.order(passwords))
    if not connection.password.is_known:
        raise SecretUnknown
    return Vended(database=database, connection=connection)
