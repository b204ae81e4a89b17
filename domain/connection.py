"""Connections: how a tenant reaches its database."""

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from domain.postgres_url import Address
from domain.secrets import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Working credentials, as a caller receives them."""

    host: str
    port: int
    database: str
    user: str
    password: Secret
    sslmode: str = "disable"
    """`disable`, `require`, `verify-ca` or `verify-full`: drivers treat `allow` and `prefer`
    differently."""
    sslrootcert: str | None = None
    """Certificates of the server's authorities, as PEM; None for public authorities."""
    more_hosts: tuple[Address, ...] = ()
    """The other servers of a cluster, which serve the database after a failover."""
    target_session_attrs: str = "any"
    """libpq's name for the server to choose among several: `primary`, `read-write`, ..."""
    connection_limit: int | None = None
    """How many sessions the tenant may have at once; None if the provider sets no limit."""
    pooler_host: str | None = None
    """The host of a PgBouncer in transaction mode in front of the database, if there is one."""

    @property
    def addresses(self) -> tuple[Address, ...]:
        return (Address(self.host, self.port), *self.more_hosts)

    def uri(self, ca_file: str | None = None) -> str:
        """Return a libpq connection URI with the password: for the caller, never for a log.

        `ca_file` is the file in which the caller stores `sslrootcert`.
        """
        hosts = ",".join(f"{bracket_ipv6(each.host)}:{each.port}" for each in self.addresses)
        place = f"{self._credentials}@{hosts}/{_escape(self.database)}"
        return f"postgresql://{place}?{urlencode(self.options(ca_file))}"

    def single_host_uri(self, scheme: str = "postgresql", **options: str) -> str:
        """Return a URI of the first host only, for drivers that accept one host."""
        place = (
            f"{self._credentials}@{bracket_ipv6(self.host)}:{self.port}/{_escape(self.database)}"
        )
        return f"{scheme}://{place}?{urlencode(options)}"

    def multi_host_uri(self, scheme: str, **options: str) -> str:
        """Return a URI with several hosts in its query, the form that SQLAlchemy expects."""
        if not self.more_hosts:
            return self.single_host_uri(scheme, **options)
        hosts = [("host", f"{bracket_ipv6(each.host)}:{each.port}") for each in self.addresses]
        query = urlencode([*hosts, *options.items()])
        return f"{scheme}://{self._credentials}@/{_escape(self.database)}?{query}"

    def options(self, ca_file: str | None = None) -> dict[str, str]:
        """Return libpq's parameters beyond host and login."""
        options = {"sslmode": self.sslmode}
        if ca_file is not None and self.sslrootcert is not None:
            options["sslrootcert"] = ca_file
        if self.more_hosts:
            options["target_session_attrs"] = self.target_session_attrs
        return options

    @property
    def _credentials(self) -> str:
        return f"{_escape(self.user)}:{_escape(self.password.reveal())}"


def bracket_ipv6(host: str) -> str:
    """Return the host in the form of a URL's authority: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def _escape(text: str) -> str:
    return quote(text, safe="")
