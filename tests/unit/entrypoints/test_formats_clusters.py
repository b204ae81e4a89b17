"""Formats of connections with several hosts, and with private certificate authorities."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml  # type: ignore[import-untyped] # its types are a separate package
from sqlalchemy.engine import make_url

from domain.postgres_url import Address
from entrypoints.formats import FORMATS
from tests.support.connections import connection

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
FILE = "/etc/ssl/db ca.pem"

CLUSTER: dict[str, Any] = {
    "more_hosts": (Address("2001:db8::7", 6544),),
    "target_session_attrs": "read-write",
    "sslmode": "require",
}
PRIVATE: dict[str, Any] = {"sslmode": "verify-full", "sslrootcert": PEM}

LISTS = {
    "uri": "@db.example:6543,[2001:db8::7]:6544/x?sslmode=require&target_session_attrs=read-write",
    "env": "PGHOST=db.example,2001:db8::7\nPGPORT=6543,6544\n",
    "docker": "PGHOST=db.example,2001:db8::7\nPGPORT=6543,6544\n",
    "jdbc": "//db.example:6543,[2001:db8::7]:6544/x?",
    "psql": "port='\"'\"'6543,6544'\"'\"' ",
    "django": "'HOST': 'db.example,2001:db8::7',\n        'PORT': '6543,6544',\n",
    "dotnet": 'Host="db.example:6543,[2001:db8::7]:6544";',
}
"""Formats with lists, and the list of hosts in each."""

CHOICES = {
    "env": "\nPGTARGETSESSIONATTRS=read-write\n",
    "jdbc": "&targetServerType=primary",
    "psql": " target_session_attrs=read-write'",
    "django": "'target_session_attrs': 'read-write'",
    "dotnet": ";Target Session Attributes=read-write",
}

NAMED = {
    "uri": "&sslrootcert=%2Fetc%2Fssl%2Fdb+ca.pem",
    "env": "PGSSLROOTCERT='/etc/ssl/db ca.pem'\n",
    "docker": "PGSSLROOTCERT=/etc/ssl/db ca.pem\n",
    "jdbc": "&sslrootcert=%2Fetc%2Fssl%2Fdb%20ca.pem",
    "psql": "sslrootcert='\"'\"'/etc/ssl/db ca.pem'\"'\"''",
    "sqlalchemy": "&sslrootcert=%2Fetc%2Fssl%2Fdb+ca.pem",
    "django": "'sslrootcert': '/etc/ssl/db ca.pem'",
    "node": "?sslmode=verify-full&sslrootcert=%2Fetc%2Fssl%2Fdb+ca.pem",
    "prisma": "&sslcert=%2Fetc%2Fssl%2Fdb+ca.pem",
    "dotnet": ';Root Certificate="/etc/ssl/db ca.pem"',
}


@pytest.mark.parametrize(("name", "text"), [*LISTS.items(), *CHOICES.items()])
def test_a_format_with_lists_names_every_host_and_the_choice(name: str, text: str) -> None:
    assert text in FORMATS[name].render(connection(**CLUSTER))


@pytest.mark.parametrize("name", ["sqlalchemy", "sqlalchemy-asyncpg"])
def test_sqlalchemy_finds_the_hosts_in_the_query(name: str) -> None:
    url = make_url(FORMATS[name].render(connection(**CLUSTER)))
    assert url.host is None
    assert url.query["host"] == ("db.example:6543", "[2001:db8::7]:6544")
    assert url.query["target_session_attrs"] == "read-write"


@pytest.mark.parametrize("name", ["node", "prisma"])
def test_a_format_without_lists_names_the_first_host(name: str) -> None:
    assert "@db.example:6543/x?" in FORMATS[name].render(connection(**CLUSTER))


@pytest.mark.parametrize(("name", "text"), NAMED.items())
def test_a_format_names_the_file_of_the_authorities(name: str, text: str) -> None:
    assert text in FORMATS[name].render(connection(**PRIVATE), FILE)


@pytest.mark.parametrize("name", [*NAMED, "sqlalchemy-asyncpg"])
def test_without_a_file_no_format_names_one(name: str) -> None:
    unasked = FORMATS[name].render(connection(**PRIVATE))
    needless = FORMATS[name].render(connection(sslmode="verify-full"), FILE)
    assert unasked == needless


def test_json_and_kubernetes_secrets_hold_the_authorities_and_the_hosts() -> None:
    both = connection(**CLUSTER | PRIVATE)
    answer = json.loads(FORMATS["json"].render(both))
    secret = yaml.safe_load(FORMATS["k8s-secret"].render(both))

    assert answer["sslrootcert"] == secret["stringData"]["ca.crt"] == PEM
    assert answer["hosts"] == [
        {"host": "db.example", "port": 6543},
        {"host": "2001:db8::7", "port": 6544},
    ]
    assert (answer["host"], answer["target_session_attrs"]) == ("db.example", "read-write")


@pytest.mark.parametrize(
    ("sslmode", "nodes"),
    [
        ("disable", "disable"),
        ("require", "no-verify"),
        ("verify-ca", "verify-full"),
        ("verify-full", "verify-full"),
    ],
)
def test_node_gets_its_own_name_of_each_tls_mode(sslmode: str, nodes: str) -> None:
    uri = FORMATS["node"].render(connection(sslmode=sslmode))
    assert parse_qs(urlsplit(uri).query) == {"sslmode": [nodes]}
