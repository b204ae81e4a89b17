"""How each format is written: every value escaped by the rules of what reads it.

A value is any text without NUL and line breaks, which no name and no password has: ours are plain
ASCII, but a provider may choose its own passwords.
"""

import json
import re
import shlex
from collections.abc import Iterable, Mapping
from hashlib import sha256
from urllib.parse import quote, urlencode

from domain.connection import Connection

LONGEST_LABEL = 63
"""Characters of a DNS label (RFC 1123), which names in Kubernetes are safest as."""

_PLAIN = re.compile(r"[A-Za-z0-9._~:-]+")
_NOT_PLAIN_ASCII = re.compile(r"[^ -~]")
_NO_LABEL = re.compile(r"[^a-z0-9]+")
_HASH = 8


def parts(connection: Connection) -> dict[str, str | int]:
    """All that there is to say, as the service's answers have it."""
    told: dict[str, str | int] = {
        "host": connection.host,
        "port": connection.port,
        "database": connection.database,
        "user": connection.user,
        "password": connection.password.reveal(),
        "sslmode": connection.sslmode,
        "uri": connection.uri(),
    }
    pooler = connection.pooler_host
    return told if pooler is None else told | {"pooler_host": pooler}


def variables(connection: Connection) -> Mapping[str, str]:
    """As libpq reads them, and as most frameworks do."""
    return {
        "PGHOST": connection.host,
        "PGPORT": str(connection.port),
        "PGDATABASE": connection.database,
        "PGUSER": connection.user,
        "PGPASSWORD": connection.password.reveal(),
        "PGSSLMODE": connection.sslmode,
        "DATABASE_URL": connection.uri(),
    }


def as_json(connection: Connection) -> str:
    return json.dumps(parts(connection))


def as_uri(connection: Connection) -> str:
    return connection.uri()


def as_env(connection: Connection) -> str:
    """Lines for a POSIX shell. Readers of `.env` files agree with it on all but single quotes."""
    return _lines(f"{name}={shlex.quote(value)}" for name, value in variables(connection).items())


def as_jdbc(connection: Connection) -> str:
    """With the credentials as parameters: JDBC's URLs have no other place for them."""
    parameters = {
        "user": connection.user,
        "password": connection.password.reveal(),
        "sslmode": connection.sslmode,
    }
    place = f"{_bracketed(connection.host)}:{connection.port}/{quote(connection.database, safe='')}"
    return f"jdbc:postgresql://{place}?{urlencode(parameters, quote_via=quote, safe='')}"


def as_psql(connection: Connection) -> str:
    """A shell's command. The password is no argument: all users of a machine can see those."""
    keywords = {
        "host": connection.host,
        "port": str(connection.port),
        "dbname": connection.database,
        "user": connection.user,
        "sslmode": connection.sslmode,
    }
    conninfo = " ".join(f"{keyword}={_conninfo(value)}" for keyword, value in keywords.items())
    password = shlex.quote(connection.password.reveal())
    return f"PGPASSWORD={password} psql {shlex.quote(conninfo)}"


def as_sqlalchemy(connection: Connection) -> str:
    """For psycopg 3, which takes libpq's `sslmode` and works with and without asyncio."""
    return connection.uri().replace("postgresql://", "postgresql+psycopg://", 1)


def as_prisma(connection: Connection) -> str:
    """A line for `.env`. Nothing in a URI means anything between double quotes there."""
    checks = connection.sslmode.startswith("verify-")  # which Prisma takes for `prefer`
    tls = {"sslmode": "require", "sslaccept": "strict"} if checks else {}
    options = {"schema": "public", "sslmode": connection.sslmode} | tls
    bare, _, _ = connection.uri().partition("?")
    return _lines([f'DATABASE_URL="{bare}?{urlencode(options)}"'])


def as_dotnet(connection: Connection) -> str:
    """For Npgsql."""
    keywords = {
        "Host": connection.host,
        "Port": str(connection.port),
        "Database": connection.database,
        "Username": connection.user,
        "Password": connection.password.reveal(),
        "SSL Mode": "".join(word.capitalize() for word in connection.sslmode.split("-")),
    }
    return ";".join(f"{keyword}={_ado(value)}" for keyword, value in keywords.items())


def as_docker(connection: Connection) -> str:
    """A file for `docker run --env-file`, which takes what is behind the equals sign as it is."""
    return _lines(f"{name}={value}" for name, value in variables(connection).items())


def as_k8s_secret(connection: Connection) -> str:
    """A manifest for `kubectl apply`; `envFrom` makes variables of it."""
    values = variables(connection).items()
    return _lines(
        [
            "apiVersion: v1",
            "kind: Secret",
            "metadata:",
            f"  name: {_yaml(_label(connection.database))}",
            "type: Opaque",
            "stringData:",
            *(f"  {name}: {_yaml(value)}" for name, value in values),
        ]
    )


def _lines(lines: Iterable[str]) -> str:
    """Each with its end, so that a file can be added to."""
    return "".join(f"{line}\n" for line in lines)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _conninfo(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return value if _PLAIN.fullmatch(value) else f"'{escaped}'"


def _ado(value: str) -> str:
    doubled = value.replace('"', '""')
    return value if _PLAIN.fullmatch(value) else f'"{doubled}"'


def _yaml(value: str) -> str:
    """JSON's quotes, but YAML's escapes: to YAML, JSON's surrogates are no characters, and some
    characters that JSON leaves alone are ends of lines."""
    quoted = json.dumps(value, ensure_ascii=False)
    return _NOT_PLAIN_ASCII.sub(lambda odd: f"\\U{ord(odd[0]):08x}", quoted)


def _label(database: str) -> str:
    """The database's name where that is a DNS label. One that has to be changed gets a hash, so
    that `a_b` and `a-b` do not overwrite each other's secret."""
    label = _NO_LABEL.sub("-", database.lower()).strip("-")
    if label == database and len(label) <= LONGEST_LABEL:
        return label
    digest = sha256(database.encode()).hexdigest()[:_HASH]
    return f"{label[: LONGEST_LABEL - _HASH - 1]}-{digest}".strip("-")
