"""One PostgreSQL server: how the admin reaches it, and how tenants do."""

from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from adapters.postgres.scram import scram_verifier
from adapters.postgres.sessions import Login
from domain.connection import Connection
from domain.order import Order
from domain.secret import Secret


@dataclass(frozen=True, kw_only=True)
class Server:
    """`admin` vends. `superuser`, where there is one, installs the `installable` extensions, which
    have to be harmless (all others a tenant installs itself, if it may), and takes back grants that
    the admin cannot. `takes_verifiers` is off where the server wants to see passwords (Neon).
    `detour` is what our own sessions as a tenant do otherwise: they go around a pooler."""

    admin: Login = field(repr=False)
    superuser: Login | None = field(default=None, repr=False)
    installable: frozenset[str] = frozenset()
    public_host: str
    public_port: int
    pooler_host: str | None = None
    sslmode: str = "prefer"
    connection_limit: int = 20
    takes_verifiers: bool = True
    detour: Login = field(default_factory=dict, repr=False)

    async def password_text(self, password: Secret) -> str:
        """What the server is told as a role's password."""
        return await scram_verifier(password) if self.takes_verifiers else password.reveal()

    def connection(self, order: Order) -> Connection:
        return Connection(
            host=self.public_host,
            port=self.public_port,
            pooler_host=self.pooler_host,
            database=order.tenant.names.database,
            user=order.tenant.names.owner,
            password=order.password,
            sslmode=self.sslmode,
        )


def server_of_dsn(
    dsn: str, *, public_host: str | None, public_port: int | None, connection_limit: int
) -> Server:
    """The server that `dsn` logs in to; tenants reach it the same way unless told otherwise."""
    parts = urlsplit(dsn)
    return Server(
        admin={"dsn": dsn},
        public_host=public_host or parts.hostname or "",
        public_port=public_port or parts.port or 5432,
        sslmode=parse_qs(parts.query).get("sslmode", ["prefer"])[0],
        connection_limit=connection_limit,
    )
