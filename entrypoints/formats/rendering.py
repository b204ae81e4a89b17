"""The writers of the formats; each escapes values by the rules of the programs that read it.

A value is any text that the format can express (see `table`). Values of pgvend are plain ASCII, but
databases can be renamed on their servers, and a provider can choose its own passwords.
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
"""Environment variables of libpq, by parameter."""

_JDBC_SERVERS = {
    "read-write": "primary",
    "read-only": "secondary",
    "standby": "secondary",
    "prefer-standby": "preferSecondary",
}
"""Values of JDBC that differ from those of libpq's target_session_attrs."""

LONGEST_LABEL = 63
"""The maximum length of a DNS label (RFC 1123), which every name in Kubernetes can be."""

_PLAIN = re.compile(r"[A-Za-z0-9._~:-]+")
_NOT_PLAIN_ASCII = re.compile(r"[^ -~]")
_NO_LABEL = re.compile(r"[^a-z0-9]+")
_HASH = 8


def parts(connection: Connection) -> dict[str, Any]:
    """Return the members of a connection in the API."""
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
    """Return the variables that libpq and most frameworks read."""
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
    """Write lines for a POSIX shell. Readers of `.env` files differ only in single quotes."""
    values = variables(connection, ca_file).items()
    return _lines(f"{name}={shlex.quote(value)}" for name, value in values)


def as_jdbc(connection: Connection, ca_file: str | None = None) -> str:
    """Write a JDBC URL, with the credentials as parameters."""
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
    """Write a shell command that prompts for the password: command lines stay in the history, and
    all users of a machine can see them. `pgvend psql` fetches the password itself."""
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
    """Write a URL for psycopg 3, which reads libpq's parameters and works with asyncio too."""
    return connection.listed_uri("postgresql+psycopg", **connection.options(ca_file))


def as_sqlalchemy_asyncpg(connection: Connection, ca_file: str | None = None) -> str:
    """Write a URL for asyncpg, whose certificate authorities are in PGSSLROOTCERT instead."""
    options = connection.options()
    options = {"ssl": options.pop("sslmode"), **options}
    return connection.listed_uri("postgresql+asyncpg", **options)


def as_node(connection: Connection, ca_file: str | None = None) -> str:
    """Write a URL for `pg` and libraries over it, which treat `require` as `verify-full`."""
    if connection.sslmode == "disable":
        return connection.first_uri(sslmode="disable")
    if connection.sslrootcert is None and not connection.sslmode.startswith("verify-"):
        return connection.first_uri(sslmode="no-verify")
    root = {} if ca_file is None or connection.sslrootcert is None else {"sslrootcert": ca_file}
    return connection.first_uri(sslmode="verify-full", **root)


def as_django(connection: Connection, ca_file: str | None = None) -> str:
    """Write `DATABASES` for a settings module, in Python."""
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
    """Write a line for `.env`. No character of a URI is special between double quotes there."""
    checks = connection.sslmode.startswith("verify-")  # which Prisma treats as `prefer`
    tls = {"sslmode": "require", "sslaccept": "strict"} if checks else {}
    root = {"sslcert": ca_file} if ca_file and connection.sslrootcert else {}
    options = {"schema": "public", "sslmode": connection.sslmode} | tls | root
    return _lines([f'DATABASE_URL="{connection.first_uri(**options)}"'])


def as_dotnet(connection: Connection, ca_file: str | None = None) -> str:
    """Write a connection string for Npgsql."""
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
    """Write a file for `docker run --env-file`, which reads the text after `=` unchanged."""
    return _lines(f"{name}={value}" for name, value in variables(connection, ca_file).items())


def as_k8s_secret(connection: Connection, ca_file: str | None = None) -> str:
    """Write a manifest for `kubectl apply`, to be used by `envFrom`. Certificate authorities are a
    key of their own, for a volume."""
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
    """End each line, so that lines can be appended to the file."""
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
    """Quote as JSON does, but escape as YAML does: JSON's surrogates are not characters in YAML,
    and some characters that JSON does not escape end a line."""
    quoted = json.dumps(value, ensure_ascii=False)
    return _NOT_PLAIN_ASCII.sub(lambda odd: f"\\U{ord(odd[0]):08x}", quoted)


def _label(database: str) -> str:
    """Return the database's name as a DNS label. A changed name gets a hash, so that `a_b` and
    `a-b` do not overwrite each other's secret."""
    label = _NO_LABEL.sub("-", database.lower()).strip("-")
    if label == database and len(label) <= LONGEST_LABEL:
        return label
    digest = sha256(database.encode()).hexdigest()[:_HASH]
    return f"{label[: LONGEST_LABEL - _HASH - 1]}-{digest}".strip("-")
