"""The branch's administrator: a role that Neon created and whose login the API returns."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from adapters.driver.connector import Login
from adapters.driver.tls import Tls
from adapters.neon.addresses import NeonAddress, choose_sslmode
from adapters.neon.api_models import Database
from adapters.neon.branch import NeonBranch
from domain.errors import ProviderRejected
from domain.names import OWNER_PREFIX
from ports.driven.clock import Clock

PASSWORD_MAX_AGE = 30.0
"""Seconds for which a password is reused before it is read again: it may change at any time."""


@dataclass
class AdminPassword:
    """The administrator's password, read from the API when it is stale.

    The driver calls it at each login.
    """

    branch: NeonBranch
    clock: Clock
    address: NeonAddress = field(repr=False)
    read_at: float

    async def __call__(self) -> str:
        if self.clock.elapsed() - self.read_at > PASSWORD_MAX_AGE:
            self.address = await self.branch.find_address(self.address.database, self.address.user)
            self.read_at = self.clock.elapsed()
        return _reveal(self.address)


async def find_admin_address(branch: NeonBranch) -> NeonAddress:
    """Return the database and the role that administer the branch. Raises ProviderRejected."""
    database = _find_oldest(await branch.list_databases())
    address = await branch.find_address(database.name, database.owner_name)
    _reveal(address)
    return address


def create_admin_login(branch: NeonBranch, address: NeonAddress, clock: Clock) -> Login:
    """Return the login at that address; the session verifies the server's certificate."""
    return {
        "host": address.host,
        "port": address.port,
        "tls": Tls(mode=choose_sslmode(address.host, address.sslmode)),
        "database": address.database,
        "user": address.user,
        "password": AdminPassword(branch, clock, address, clock.elapsed()),
    }


def _find_oldest(databases: Sequence[Database]) -> Database:
    """Return the oldest database whose owner pgvend did not create: the branch's first one.

    Its name varies. The API does not distinguish Neon's roles from those that SQL created, but
    the names of pgvend's roles begin with a prefix.
    """
    for database in sorted(databases, key=lambda database: (database.created_at, database.id)):
        if not database.owner_name.startswith(OWNER_PREFIX):
            return database
    raise ProviderRejected(
        "The Neon branch has no database to administer it from: create one in Neon's console."
    )


def _reveal(address: NeonAddress) -> str:
    if address.password is None:
        raise ProviderRejected(
            f"Neon does not return the password of {address.user!r}: configure the project to "
            "store passwords."
        )
    return address.password.reveal()
