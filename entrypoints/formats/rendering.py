"""The writers of the formats; each escapes values by the rules of the programs that read it.

A value is any text that the format can express (see `catalog`). Values of pgvend are plain ASCII,
but databases can be renamed on their servers, and a provider can choose its own passwords.
"""

import json
import re
import shlex
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlencode

from domain.connection import Connection, bracket_ipv6
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

MAX_LABEL_LENGTH = 63
"""The maximum length of a DNS label (RFC 1123), which every name in Kubernetes can be."""

_PLAIN = re.compile(r"[A-Za-z0-9._~:-]+")
_NOT_PLAIN_ASCII = re.compile(r"[^ -~]")
_NOT_LABEL = re.compile(r"[^a-z0-9]+")
_HASH = 8


def to_members(connection: Connection) -> dict[str, Any]:
    """Return the members of a connection in the API."""
    members: dict[str, Any] = {
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
        members["sslrootcert"] = connection.sslrootcert
    if connection.more_hosts:
        members["hosts"] = [{"host": at.host, "port": at.port} for at in connection.addresses]
        members["target_session_attrs"] = connection.target_session_attrs
    if connection.pooler_host is not None:
        members["pooler_host"] = connection.pooler_host
    return members


def to_variables(connection: Connection, ca_file: str | None = None) -> Mapping[str, str]:
    """Return the environment variables that libpq and most frameworks read."""
    options = connection.options(ca_file)
    return {
        "PGHOST": _join_hosts(connection),
        "PGPORT": _join_ports(connection),
        "PGDATABASE": connection.database,
        "PGUSER": connection.user,
        "PGPASSWORD": connection.password.reveal(),
        **{_VARIABLES[name]: value for name, value in options.items()},
        "DATABASE_URL": connection.uri(ca_file),
    }


def to_json(connection: Connection, ca_file: str | None = None) -> str:
    return json.dumps(to_members(connection))


def to_uri(connection: Connection, ca_file: str | None = None) -> str:
    return connection.uri(ca_file)


def to_env(connection: Connection, ca_file: str | None = None) -> str:
    """Write lines for a POSIX shell. Readers of `.env` files differ only in single quotes."""
    values = to_variables(connection, ca_file).items()
    return _join_lines(f"{name}={shlex.quote(value)}" for name, value in values)


def to_jdbc(connection: Connection, ca_file: str | None = None) -> str:
    """Write a JDBC URL, with the credentials as parameters."""
    parameters = {
        "user": connection.user,
        "password": connection.password.reveal(),
        **connection.options(ca_file),
    }
    if session := parameters.pop("target_session_attrs", None):
        parameters["targetServerType"] = _JDBC_SERVERS.get(session, session)
    hosts = ",".join(f"{bracket_ipv6(at.host)}:{at.port}" for at in connection.addresses)
    path = f"{hosts}/{quote(connection.database, safe='')}"
    return f"jdbc:postgresql://{path}?{urlencode(parameters, quote_via=quote, safe='')}"


def to_psql(connection: Connection, ca_file: str | None = None) -> str:
    """Write a shell command that prompts for the password: command lines stay in the history, and
    all users of a machine can see them. `pgvend psql` fetches the password itself."""
    keywords = {
        "host": _join_hosts(connection),
        "port": _join_ports(connection),
        "dbname": connection.database,
        "user": connection.user,
        **connection.options(ca_file),
    }
    conninfo = " ".join(f"{name}={_quote_conninfo(value)}" for name, value in keywords.items())
    return f"psql {shlex.quote(conninfo)}"


def to_sqlalchemy(connection: Connection, ca_file: str | None = None) -> str:
    """Write a URL for psycopg 3, which reads libpq's parameters and works with asyncio too."""
    return connection.multi_host_uri("postgresql+psycopg", **connection.options(ca_file))


def to_sqlalchemy_asyncpg(connection: Connection, ca_file: str | None = None) -> str:
    """Write a URL for asyncpg, whose certificate authorities are in PGSSLROOTCERT instead."""
    options = connection.options()
    options = {"ssl": options.pop("sslmode"), **options}
    return connection.multi_host_uri("postgresql+asyncpg", **options)


def to_node(connection: Connection, ca_file: str | None = None) -> str:
    """Write a URL for `pg` and libraries over it, which treat `require` as `verify-full`."""
    if connection.sslmode == "disable":
        return connection.single_host_uri(sslmode="disable")
    if connection.sslrootcert is None and not connection.sslmode.startswith("verify-"):
        return connection.single_host_uri(sslmode="no-verify")
    root = {} if ca_file is None or connection.sslrootcert is None else {"sslrootcert": ca_file}
    return connection.single_host_uri(sslmode="verify-full", **root)


def to_django(connection: Connection, ca_file: str | None = None) -> str:
    """Write `DATABASES` for a settings module, in Python."""
    default = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": connection.database,
        "USER": connection.user,
        "PASSWORD": connection.password.reveal(),
        "HOST": _join_hosts(connection),
        "PORT": _join_ports(connection),
        "OPTIONS": connection.options(ca_file),
    }
    lines = (f"        {name!a}: {value!a}," for name, value in default.items())
    return _join_lines(["DATABASES = {", "    'default': {", *lines, "    },", "}"])


def to_prisma(connection: Connection, ca_file: str | None = None) -> str:
    """Write a line for `.env`. No character of a URI is special between double quotes there."""
    checks = connection.sslmode.startswith("verify-")  # which Prisma treats as `prefer`
    tls = {"sslmode": "require", "sslaccept": "strict"} if checks else {}
    root = {"sslcert": ca_file} if ca_file and connection.sslrootcert else {}
    options = {"schema": "public", "sslmode": connection.sslmode} | tls | root
    return _join_lines([f'DATABASE_URL="{connection.single_host_uri(**options)}"'])


def to_dotnet(connection: Connection, ca_file: str | None = None) -> str:
    """Write a connection string for Npgsql."""
    options = connection.options(ca_file)
    keywords = {
        "Host": ",".join(_format_address(at, connection) for at in connection.addresses),
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
    return ";".join(f"{keyword}={_quote_ado(value)}" for keyword, value in keywords.items())


def to_docker(connection: Connection, ca_file: str | None = None) -> str:
    """Write a file for `docker run --env-file`, which reads the text after `=` unchanged."""
    values = to_variables(connection, ca_file).items()
    return _join_lines(f"{name}={value}" for name, value in values)


def to_k8s_secret(connection: Connection, ca_file: str | None = None) -> str:
    """Write a manifest for `kubectl apply`, to be used by `envFrom`. Certificate authorities are a
    key of their own, for a volume."""
    values = dict(to_variables(connection, ca_file))
    if connection.sslrootcert is not None:
        values["ca.crt"] = connection.sslrootcert
    return _join_lines(
        [
            "apiVersion: v1",
            "kind: Secret",
            "metadata:",
            f"  name: {_quote_yaml(_to_dns_label(connection.database))}",
            "type: Opaque",
            "stringData:",
            *(f"  {name}: {_quote_yaml(value)}" for name, value in values.items()),
        ]
    )


def _join_lines(lines: Iterable[str]) -> str:
    """End each line, so that lines can be appended to the file."""
    return "".join(f"{line}\n" for line in lines)


def _join_hosts(connection: Connection) -> str:
    return ",".join(at.host for at in connection.addresses)


def _join_ports(connection: Connection) -> str:
    return ",".join(str(at.port) for at in connection.addresses)


def _format_address(address: Address, connection: Connection) -> str:
    return f"{bracket_ipv6(address.host)}:{address.port}" if connection.more_hosts else address.host


def _quote_conninfo(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return value if _PLAIN.fullmatch(value) else f"'{escaped}'"


def _quote_ado(value: str) -> str:
    doubled = value.replace('"', '""')
    return value if _PLAIN.fullmatch(value) else f'"{doubled}"'


def _quote_yaml(value: str) -> str:
    """Quote as JSON does, but escape as YAML does: JSON's surrogates are not characters in YAML,
    and some characters that JSON does not escape end a line."""
    quoted = json.dumps(value, ensure_ascii=False)
    return _NOT_PLAIN_ASCII.sub(lambda odd: f"\\U{ord(odd[0]):08x}", quoted)


def _to_dns_label(database: str) -> str:
    """Return the database's name as a DNS label. A changed name gets a hash, so that `a_b` and
    `a-b` do not overwrite each other's secret."""
    label = _NOT_LABEL.sub("-", database.lower()).strip("-")
    if label == database and len(label) <= MAX_LABEL_LENGTH:
        return label
    digest = sha256(database.encode()).hexdigest()[:_HASH]
    return f"{label[: MAX_LABEL_LENGTH - _HASH - 1]}-{digest}".strip("-")
