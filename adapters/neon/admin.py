"""The branch's administrator: a role of Neon's making, whose login the API tells."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from adapters.driver.connecting import Login
from adapters.driver.tls import Tls
from adapters.neon.branch import NeonBranch
from adapters.neon.proof import proven_mode
from adapters.neon.uris import Address
from adapters.neon.wire import Database
from domain.errors import ProviderRejected
from domain.naming import OWNER_PREFIX
from ports.driven.clock import Clock

FRESH = 30.0
"""Seconds that a password is used for without asking again: somebody may change it any time."""


@dataclass
class AdminPassword:
    """Asked for at each login. Called by the driver."""

    branch: NeonBranch
    clock: Clock
    address: Address = field(repr=False)
    asked_at: float

    async def __call__(self) -> str:
        if self.clock.elapsed() - self.asked_at > FRESH:
            self.address = await self.branch.address(self.address.database, self.address.user)
            self.asked_at = self.clock.elapsed()
        return _revealed(self.address)


async def admin_address(branch: NeonBranch) -> Address:
    """Where the branch is administered from, by whom. Raises ProviderRejected."""
    database = _oldest(await branch.databases())
    address = await branch.address(database.name, database.owner_name)
    _revealed(address)
    return address


def admin_login(branch: NeonBranch, address: Address, clock: Clock) -> Login:
    """Return the login at that address, whose server has to prove itself."""
    return {
        "host": address.host,
        "port": address.port,
        "tls": Tls(mode=proven_mode(address.host, address.sslmode)),
        "database": address.database,
        "user": address.user,
        "password": AdminPassword(branch, clock, address, clock.elapsed()),
    }


def _oldest(databases: Sequence[Database]) -> Database:
    """The one that the branch came with, whatever it is called: its owner is Neon's.

    The API does not tell such roles from those that SQL made; but ours begin with a prefix.
    """
    for database in sorted(databases, key=lambda database: (database.created_at, database.id)):
        if not database.owner_name.startswith(OWNER_PREFIX):
            return database
    raise ProviderRejected(
        "The Neon branch has no database to administer it from; make one in Neon's console."
    )


def _revealed(address: Address) -> str:
    if address.password is None:
        raise ProviderRejected(
            f"Neon does not tell the password of {address.user!r}; let the project store passwords."
        )
    return address.password.reveal()
