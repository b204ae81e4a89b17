"""How each format is written: every value escaped by the rules of what reads it.

A value is any text that the format can express (`table` says which). Ours are plain ASCII, but
databases are renamed on their servers, and a provider may choose its own passwords.
"""

import json
import re
import shlex
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlencode

from domain.connection import Connection, bracketed
from domain.postgres_url import Address

_VARIABLES = {
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
}
"""libpq's, for its parameters."""

_JDBC_SERVERS = {
    "read-write": "primary",
    "read-only": "secondary",
    "standby": "secondary",
    "prefer-standby": "preferSecondary",
}
"""JDBC's words for libpq's target_session_attrs, where they differ."""

LONGEST_LABEL = 63
"""Characters of a DNS label (RFC 1123), which names in Kubernetes are safest as."""

_PLAIN = re.compile(r"[A-Za-z0-9._~:-]+")
_NOT_PLAIN_ASCII = re.compile(r"[^ -~]")
_NO_LABEL = re.compile(r"[^a-z0-9]+")
_HASH = 8


def parts(connection: Connection) -> dict[str, Any]:
    """Return everything about a connection, as the service's answers have it."""
    known: dict[str, Any] = {
        "host": connection.host,
        "port": connection.port,
        "database": connection.database,
        "user": connection.user,
        "password": connection.password.reveal(),
        "sslmode": connection.sslmode,
        "connection_limit": connection.connection_limit,
        "uri": connection.uri(),
    }
    if connection.sslrootcert is not None:
        known["sslrootcert"] = connection.sslrootcert
    if connection.more_hosts:
        known["hosts"] = [{"host": at.host, "port": at.port} for at in connection.addresses]
        known["target_session_attrs"] = connection.target_session_attrs
    if connection.pooler_host is not None:
        known["pooler_host"] = connection.pooler_host
    return known


def variables(connection: Connection, ca_file: str | None = None) -> Mapping[str, str]:
    """Return what libpq and most frameworks read."""
    options = connection.options(ca_file)
    return {
        "PGHOST": _hosts(connection),
        "PGPORT": _ports(connection),
        "PGDATABASE": connection.database,
        "PGUSER": connection.user,
        "PGPASSWORD": connection.password.reveal(),
        **{_VARIABLES[name]: value for name, value in options.items()},
        "DATABASE_URL": connection.uri(ca_file),
    }


def as_json(connection: Connection, ca_file: str | None = None) -> str:
    return json.dumps(parts(connection))


def as_uri(connection: Connection, ca_file: str | None = None) -> str:
    return connection.uri(ca_file)


def as_env(connection: Connection, ca_file: str | None = None) -> str:
    """Lines for a POSIX shell. Readers of `.env` files agree with it on all but single quotes."""
    values = variables(connection, ca_file).items()
    return _lines(f"{name}={shlex.quote(value)}" for name, value in values)


def as_jdbc(connection: Connection, ca_file: str | None = None) -> str:
    """With the credentials as parameters: JDBC's URLs have no other place for them."""
    parameters = {
        "user": connection.user,
        "password": connection.password.reveal(),
        **connection.options(ca_file),
    }
    if session := parameters.pop("target_session_attrs", None):
        parameters["targetServerType"] = _JDBC_SERVERS.get(session, session)
    hosts = ",".join(f"{bracketed(at.host)}:{at.port}" for at in connection.addresses)
    place = f"{hosts}/{quote(connection.database, safe='')}"
    return f"jdbc:postgresql://{place}?{urlencode(parameters, quote_via=quote, safe='')}"


def as_psql(connection: Connection, ca_file: str | None = None) -> str:
    """A shell's command, which asks for the password: a command line stays in the history, and all
    users of a machine can see its arguments. `pgvend psql` fetches the password by itself."""
    keywords = {
        "host": _hosts(connection),
        "port": _ports(connection),
        "dbname": connection.database,
        "user": connection.user,
        **connection.options(ca_file),
    }
    conninfo = " ".join(f"{keyword}={_conninfo(value)}" for keyword, value in keywords.items())
    return f"psql {shlex.quote(conninfo)}"


def as_sqlalchemy(connection: Connection, ca_file: str | None = None) -> str:
    """For psycopg 3, which takes libpq's parameters and works with and without asyncio."""
    return connection.listed_uri("postgresql+psycopg", **connection.options(ca_file))


def as_sqlalchemy_asyncpg(connection: Connection, ca_file: str | None = None) -> str:
    """asyncpg takes no file of authorities in a URL: set PGSSLROOTCERT for it."""
    options = connection.options()
    options = {"ssl": options.pop("sslmode"), **options}
    return connection.listed_uri("postgresql+asyncpg", **options)


def as_node(connection: Connection, ca_file: str | None = None) -> str:
    """For `pg` and what stands on it, which takes libpq's `require` for `verify-full`."""
    if connection.sslmode == "disable":
        return connection.first_uri(sslmode="disable")
    if connection.sslrootcert is None and not connection.sslmode.startswith("verify-"):
        return connection.first_uri(sslmode="no-verify")
    root = {} if ca_file is None or connection.sslrootcert is None else {"sslrootcert": ca_file}
    return connection.first_uri(sslmode="verify-full", **root)


def as_django(connection: Connection, ca_file: str | None = None) -> str:
    """The `DATABASES` of a settings module, in Python."""
    default = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": connection.database,
        "USER": connection.user,
        "PASSWORD": connection.password.reveal(),
        "HOST": _hosts(connection),
        "PORT": _ports(connection),
        "OPTIONS": connection.options(ca_file),
    }
    lines = (f"        {name!a}: {value!a}," for name, value in default.items())
    return _lines(["DATABASES = {", "    'default': {", *lines, "    },", "}"])


def as_prisma(connection: Connection, ca_file: str | None = None) -> str:
    """A line for `.env`. Nothing in a URI means anything between double quotes there."""
    checks = connection.sslmode.startswith("verify-")  # which Prisma takes for `prefer`
    tls = {"sslmode": "require", "sslaccept": "strict"} if checks else {}
    root = {"sslcert": ca_file} if ca_file and connection.sslrootcert else {}
    options = {"schema": "public", "sslmode": connection.sslmode} | tls | root
    return _lines([f'DATABASE_URL="{connection.first_uri(**options)}"'])


def as_dotnet(connection: Connection, ca_file: str | None = None) -> str:
    """For Npgsql."""
    options = connection.options(ca_file)
    keywords = {
        "Host": ",".join(_host_and_port(at, connection) for at in connection.addresses),
        "Port": str(connection.port),
        "Database": connection.database,
        "Username": connection.user,
        "Password": connection.password.reveal(),
        "SSL Mode": "".join(word.capitalize() for word in connection.sslmode.split("-")),
    }
    if "sslrootcert" in options:
        keywords["Root Certificate"] = options["sslrootcert"]
    if "target_session_attrs" in options:
        keywords["Target Session Attributes"] = options["target_session_attrs"]
    return ";".join(f"{keyword}={_ado(value)}" for keyword, value in keywords.items())


def as_docker(connection: Connection, ca_file: str | None = None) -> str:
    """A file for `docker run --env-file`, which takes what is behind the equals sign as it is."""
    return _lines(f"{name}={value}" for name, value in variables(connection, ca_file).items())


def as_k8s_secret(connection: Connection, ca_file: str | None = None) -> str:
    """A manifest for `kubectl apply`; `envFrom` makes variables of it. Authorities are a key of
    their own, for a volume."""
    values = dict(variables(connection, ca_file))
    if connection.sslrootcert is not None:
        values["ca.crt"] = connection.sslrootcert
    return _lines(
        [
            "apiVersion: v1",
            "kind: Secret",
            "metadata:",
            f"  name: {_yaml(_label(connection.database))}",
            "type: Opaque",
            "stringData:",
            *(f"  {name}: {_yaml(value)}" for name, value in values.items()),
        ]
    )


def _lines(lines: Iterable[str]) -> str:
    """Each with its end, so that a file can be added to."""
    return "".join(f"{line}\n" for line in lines)


def _hosts(connection: Connection) -> str:
    return ",".join(at.host for at in connection.addresses)


def _ports(connection: Connection) -> str:
    return ",".join(str(at.port) for at in connection.addresses)


def _host_and_port(address: Address, connection: Connection) -> str:
    return f"{bracketed(address.host)}:{address.port}" if connection.more_hosts else address.host


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
