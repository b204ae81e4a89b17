"""A reader for each format of a connection: a library of others, or the steps that the real
reader's documentation describes."""

import ast
import io
import json
import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, unquote, unquote_plus, urlsplit

import yaml  # type: ignore[import-untyped] # its types are a separate package
from dotenv import dotenv_values
from sqlalchemy.engine import make_url

from domain.connection import Connection
from tests.support.connections import DEFAULT_CONNECTION, connection

SSL_MODES = {
    "Disable": "disable",
    "Require": "require",
    "VerifyCA": "verify-ca",
    "VerifyFull": "verify-full",
}
"""Names of TLS modes in Npgsql, where case does not matter, and in libpq."""

NODE_SSL_MODES = {"no-verify": "require"}

_CONNINFO = re.compile(r"\s*(\w+)\s*=\s*(?:'((?:\\.|[^'\\])*)'|((?:\\.|[^\s'\\])*))(?:\s+|$)", re.S)
_ADO = re.compile(r"""\s*([^=;]+?)\s*=\s*(?:"((?:[^"]|"")*)"|([^"'=;\s]+))\s*(?:;|$)""")


def read_uri(text: str) -> Connection:
    parts = urlsplit(text)
    assert parts.scheme == "postgresql"
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    return _create_connection(
        parts.hostname,
        parts.port,
        unquote(parts.path.removeprefix("/")),
        unquote(user),
        unquote(password),
        parse_qs(parts.query)["sslmode"][0],
    )


def read_json(text: str) -> Connection:
    fields = json.loads(text)
    uri = fields.pop("uri")
    read = connection(**fields)
    assert read_uri(uri) == replace(read, pooler_host=None)
    return read


def read_env(text: str) -> Connection:
    """Read by the rules of a shell; other tests use a real shell."""
    return _connection_from_variables(_pairs(shlex.split(text)))


def read_jdbc(text: str) -> Connection:
    """Read as PostgreSQL's driver does: values are encoded like form fields."""
    place, _, arguments = text.removeprefix("jdbc:postgresql://").partition("?")
    address, _, database = place.partition("/")
    host, _, port = address.rpartition(":")
    assert (":" in host) == host.startswith("[") == host.endswith("]")
    read = {key: unquote_plus(value) for key, value in _pairs(arguments.split("&")).items()}
    name = unquote_plus(database)
    return connection(host=host.strip("[]"), port=int(port), database=name, **read)


def read_psql(text: str) -> Connection:
    program, conninfo = shlex.split(text)
    assert program == "psql"
    read = {
        key: _unescape(quoted or plain) for key, quoted, plain in _find_all(_CONNINFO, conninfo)
    }
    return connection(
        host=read["host"],
        port=int(read["port"]),
        database=read["dbname"],
        user=read["user"],
        sslmode=read["sslmode"],
    )


def read_sqlalchemy(text: str) -> Connection:
    url = make_url(text)
    assert url.drivername == "postgresql+psycopg"
    where = (url.host, url.port, url.database)
    return _create_connection(*where, url.username, url.password, url.query["sslmode"])


def read_sqlalchemy_asyncpg(text: str) -> Connection:
    with_psycopg = text.replace("+asyncpg", "+psycopg", 1).replace("?ssl=", "?sslmode=")
    return read_sqlalchemy(with_psycopg)


def read_django(text: str) -> Connection:
    name, _, literal = text.partition(" = ")
    assert name == "DATABASES"
    read = ast.literal_eval(literal)["default"]
    assert read["ENGINE"] == "django.db.backends.postgresql"
    return connection(
        host=read["HOST"],
        port=int(read["PORT"]),
        database=read["NAME"],
        user=read["USER"],
        password=read["PASSWORD"],
        **read["OPTIONS"],
    )


def read_node(text: str) -> Connection:
    """Read `no-verify` as `require`, which node's `pg` treats as `verify-full`."""
    read = read_uri(text)
    return replace(read, sslmode=NODE_SSL_MODES.get(read.sslmode, read.sslmode))


def read_prisma(text: str) -> Connection:
    url = str(dotenv_values(stream=io.StringIO(text))["DATABASE_URL"])
    assert parse_qs(urlsplit(url).query)["schema"] == ["public"]
    return read_uri(url)


def read_dotnet(text: str) -> Connection:
    pairs = _find_all(_ADO, text)
    read = {key: quoted.replace('""', '"') or plain for key, quoted, plain in pairs}
    modes = {mode.lower(): libpqs for mode, libpqs in SSL_MODES.items()}
    where = (read["Host"], read["Port"], read["Database"])
    return _create_connection(
        *where, read["Username"], read["Password"], modes[read["SSL Mode"].lower()]
    )


def read_docker(text: str) -> Connection:
    """Read lines without white space before the name, and without comments."""
    lines = [line.lstrip() for line in text.split("\n")]
    return _connection_from_variables(
        _pairs(line for line in lines if line and not line.startswith("#"))
    )


def read_k8s_secret(text: str) -> Connection:
    secret: Any = yaml.safe_load(text)
    assert (secret["apiVersion"], secret["kind"], secret["type"]) == ("v1", "Secret", "Opaque")
    assert all(isinstance(value, str) for value in secret["stringData"].values())
    return _connection_from_variables(secret["stringData"])


def readable_connection(name: str, original: Connection) -> Connection:
    """Return the part of a connection that a format writes: `psql` omits the password."""
    return replace(original, password=DEFAULT_CONNECTION.password) if name == "psql" else original


READERS: Mapping[str, Callable[[str], Connection]] = {
    "json": read_json,
    "uri": read_uri,
    "env": read_env,
    "jdbc": read_jdbc,
    "psql": read_psql,
    "sqlalchemy": read_sqlalchemy,
    "sqlalchemy-asyncpg": read_sqlalchemy_asyncpg,
    "django": read_django,
    "node": read_node,
    "prisma": read_prisma,
    "dotnet": read_dotnet,
    "docker": read_docker,
    "k8s-secret": read_k8s_secret,
}


def _create_connection(
    host: Any, port: Any, database: Any, user: Any, password: Any, sslmode: Any
) -> Connection:
    return connection(
        host=str(host),
        port=int(port),
        database=str(database),
        user=str(user),
        password=str(password),
        sslmode=str(sslmode),
    )


def _connection_from_variables(read: Mapping[str, str]) -> Connection:
    names = ("PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD", "PGSSLMODE")
    parsed = _create_connection(*(read[name] for name in names))
    assert read_uri(read["DATABASE_URL"]) == parsed
    return parsed


def _pairs(texts: Iterable[str]) -> dict[str, str]:
    return {name: value for name, _, value in (text.partition("=") for text in texts)}


def _find_all(pattern: re.Pattern[str], text: str) -> list[tuple[str, str, str]]:
    """Return all matches, which must cover the text without gaps."""
    matches = list(pattern.finditer(text))
    assert "".join(match[0] for match in matches) == text
    return [(match[1], match[2] or "", match[3] or "") for match in matches]


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.S)
