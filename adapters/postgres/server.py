"""One PostgreSQL server: how the admin and the tenants reach it."""

from dataclasses import dataclass, field, replace

from adapters.driver.connector import Login, addresses_from_login, has_tls, login_from_url
from adapters.driver.tls import Tls
from adapters.postgres.scram import create_scram_verifier
from domain.connection import Connection
from domain.errors import ProviderBusy
from domain.postgres_url import Address, PostgresUrl
from domain.provisioning import ProvisionRequest
from domain.secrets import Secret

SETTING = "PGVEND_POSTGRES_ADMIN_DSN"


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server and its logins.

    `admin` provisions and deletes databases. `superuser`, if there is one, installs the
    `installable` extensions, which have to be harmless (tenants install all others themselves, if
    they may), transfers the `tenant_owned` extensions to the tenants, and revokes grants that the
    admin cannot revoke. `accepts_verifiers` is false if the server requires plain passwords (Neon).
    `can_copy` is false if its databases cannot be copied (Neon).
    `pooler_bypass` overrides arguments of the login when pgvend itself logs in as a tenant.

    Tenants reach the server at the `public` addresses; a cluster has several. `sslmode` is the
    value that tenants are given; None means `require` if the server offers TLS, else `disable`.
    """

    admin: Login = field(repr=False)
    superuser: Login | None = field(default=None, repr=False)
    installable: frozenset[str] = frozenset()
    tenant_owned: frozenset[str] = frozenset()
    public: tuple[Address, ...]
    target_session_attrs: str = "any"
    pooler_host: str | None = None
    sslmode: str | None = None
    sslrootcert: str | None = None
    connection_limit: int = 20
    accepts_verifiers: bool = True
    can_copy: bool = True
    pooler_bypass: Login = field(default_factory=dict, repr=False)
    _known_sslmode: list[str] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def public_host(self) -> str:
        return self.public[0].host

    @property
    def public_port(self) -> int:
        return self.public[0].port

    async def encode_password(self, password: Secret) -> str:
        """Return the password in the form that is sent to the server."""
        return (
            await create_scram_verifier(password) if self.accepts_verifiers else password.reveal()
        )

    async def build_connection(self, request: ProvisionRequest) -> Connection:
        """Build the connection that the tenant is given. Raises ProviderBusy if it is not known
        whether the server offers TLS, and the server does not answer."""
        return Connection(
            host=self.public_host,
            port=self.public_port,
            more_hosts=self.public[1:],
            target_session_attrs=self.target_session_attrs,
            pooler_host=self.pooler_host,
            database=request.tenant.names.database,
            user=request.tenant.names.owner,
            password=request.password,
            sslmode=await self.resolve_sslmode(),
            sslrootcert=self.sslrootcert,
            connection_limit=self.connection_limit,
        )

    async def resolve_sslmode(self) -> str:
        """Return `sslmode`, or `require` or `disable` depending on the server, which is asked
        once."""
        if self.sslmode:
            return self.sslmode
        if not self._known_sslmode:
            self._known_sslmode.append("require" if await self._offers_tls() else "disable")
        return self._known_sslmode[0]

    async def _offers_tls(self) -> bool:
        for host, port in addresses_from_login(self.admin):
            try:
                return await has_tls(host, port)
            except OSError:
                continue
        raise ProviderBusy("The PostgreSQL server cannot be reached; retry later.")


def find_address(server: Server) -> Login:
    """Return the part of a login that says where the server is: as for the admin, because a pooler
    may be at the public addresses. Those are for an admin that uses a Unix socket, where roles are
    often not asked for a password."""
    admin = {**server.admin, **server.pooler_bypass}
    hosts = [admin["host"]] if isinstance(admin["host"], str) else admin["host"]
    if any(host.startswith("/") for host in hosts):
        return {
            "host": [each.host for each in server.public],
            "port": [each.port for each in server.public],
            "tls": Tls(mode=server.sslmode, root=server.sslrootcert) if server.sslmode else None,
            "target_session_attrs": server.target_session_attrs,
        }
    kept = ("host", "port", "tls", "target_session_attrs")
    return {name: admin[name] for name in kept if name in admin}


def server_from_dsn(
    dsn: str, *, public_host: str | None, public_port: int | None, connection_limit: int
) -> Server:
    """Return the server that `dsn` logs in to. Tenants use the same address unless a public one is
    given.

    Reads the certificate files that the DSN names. Raises StartupError.
    """
    url = PostgresUrl.parse(dsn)
    login = login_from_url(url, SETTING)
    tls: Tls | None = login["tls"]
    return Server(
        admin=login,
        public=_public_addresses(url.addresses, public_host, public_port),
        target_session_attrs=url.target_session_attrs,
        sslmode=tls.mode if tls else None,
        sslrootcert=tls.root if tls else None,
        connection_limit=connection_limit,
    )


def _public_addresses(
    addresses: tuple[Address, ...], host: str | None, port: int | None
) -> tuple[Address, ...]:
    """Return the addresses for tenants. A public host replaces all servers: it leads to the
    primary."""
    if host:
        return (Address(host, port or (addresses[0].port if addresses else Address("").port)),)
    return tuple(replace(each, port=port or each.port) for each in addresses)
