"""How a tenant reaches its database."""

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from domain.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Working credentials, as handed out."""

    host: str
    port: int
    database: str
    user: str
    password: Secret
    sslmode: str = "prefer"
    pooler_host: str | None = None
    """The same database behind PgBouncer in transaction mode, where the provider has that."""

    def uri(self) -> str:
        """A libpq connection URI, secret included: for the caller, never for a log."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        credentials = f"{_escaped(self.user)}:{_escaped(self.password.reveal())}"
        options = urlencode({"sslmode": self.sslmode})
        return f"postgresql://{credentials}@{host}:{self.port}/{_escaped(self.database)}?{options}"


def _escaped(text: str) -> str:
    return quote(text, safe="")
