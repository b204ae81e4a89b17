"""How a tenant reaches its database."""

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from domain.postgres_url import Address
from domain.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Working credentials, as handed out."""

    host: str
    port: int
    database: str
    user: str
    password: Secret
    sslmode: str = "disable"
    """`disable`, `require`, `verify-ca` or `verify-full`: drivers disagree about the other two."""
    sslrootcert: str | None = None
    """Certificates of the authorities that vouch for the server, as PEM; None for public ones."""
    more_hosts: tuple[Address, ...] = ()
    """The other servers of a cluster, which the database is reached by after a failover."""
    target_session_attrs: str = "any"
    """Which of several servers to choose, as libpq names it: `primary`, `read-write` ..."""
    connection_limit: int | None = None
    """How many sessions the tenant may have at once; None where the provider sets no limit."""
    pooler_host: str | None = None
    """The same database behind PgBouncer in transaction mode, where the provider has that."""

    @property
    def addresses(self) -> tuple[Address, ...]:
        return (Address(self.host, self.port), *self.more_hosts)

    def uri(self, ca_file: str | None = None) -> str:
        """Return a libpq connection URI, secret included: for the caller, never for a log.

        `ca_file` is where the caller keeps `sslrootcert`.
        """
        hosts = ",".join(f"{bracketed(each.host)}:{each.port}" for each in self.addresses)
        place = f"{self._credentials}@{hosts}/{_escaped(self.database)}"
        return f"postgresql://{place}?{urlencode(self.options(ca_file))}"

    def first_uri(self, scheme: str = "postgresql", **options: str) -> str:
        """Return a URI of the first host alone, for readers that know no lists."""
        place = f"{self._credentials}@{bracketed(self.host)}:{self.port}/{_escaped(self.database)}"
        return f"{scheme}://{place}?{urlencode(options)}"

    def listed_uri(self, scheme: str, **options: str) -> str:
        """Return a URI that has several hosts in its query, as SQLAlchemy wants them."""
        if not self.more_hosts:
            return self.first_uri(scheme, **options)
        hosts = [("host", f"{bracketed(each.host)}:{each.port}") for each in self.addresses]
        query = urlencode([*hosts, *options.items()])
        return f"{scheme}://{self._credentials}@/{_escaped(self.database)}?{query}"

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
        return f"{_escaped(self.user)}:{_escaped(self.password.reveal())}"


def bracketed(host: str) -> str:
    """As a URL's authority has it."""
    return f"[{host}]" if ":" in host else host


def _escaped(text: str) -> str:
    return quote(text, safe="")
