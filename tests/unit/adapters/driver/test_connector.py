"""Logins from URLs, and sessions that ignore libpq's variables and files."""

import asyncio
import os
from pathlib import Path

import asyncpg
import pytest

from adapters.driver.connector import connect, has_tls, login_from_url
from adapters.driver.tls import Tls
from domain.errors import StartupError
from domain.postgres_url import PostgresUrl

SETTING = "PGVEND_POSTGRES_ADMIN_DSN"

WITH_OTHER_VALUES = [
    *("PGHOST", "PGDATABASE", "PGUSER", "PGPASSWORD", "PGSERVICE", "PGKRBSRVNAME"),
    *("PGPORT", "PGCONNECT_TIMEOUT", "PGSSLNEGOTIATION", "PGGSSLIB"),
]
WITH_FILES = ["PGPASSFILE", "PGSERVICEFILE", "PGSSLCERT", "PGSSLKEY", "PGSSLROOTCERT", "PGSSLCRL"]
VARIABLES = {
    **dict.fromkeys(WITH_OTHER_VALUES, "elsewhere"),
    **dict.fromkeys(WITH_FILES, "/nonexistent/file"),
    **dict.fromkeys(["PGSSLMINPROTOCOLVERSION", "PGSSLMAXPROTOCOLVERSION"], "TLSv9"),
    **{"PGHOSTADDR": "192.0.2.1", "PGOPTIONS": "-c no_such_setting=1", "PGREQUIRESSL": "1"},
    **{"PGSSLMODE": "verify-full", "PGGSSENCMODE": "require", "PGTARGETSESSIONATTRS": "standby"},
}
"""Variables that libpq reads (PostgreSQL's documentation, "Environment Variables"), and values that
would send a session elsewhere or end it."""


SSL_REQUEST = b"\x04\xd2\x16\x2f"


class Listener:
    """Answers the TLS request with `byte`, and records the first bytes of each session."""

    def __init__(self, byte: bytes) -> None:
        self.byte, self.first_bytes = byte, list[bytes]()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readexactly(8)
        asks_for_tls = head.endswith(SSL_REQUEST)
        writer.write(self.byte if asks_for_tls else b"")
        if self.byte or not asks_for_tls:
            self.first_bytes.append(head + await reader.read(1000))
        writer.close()


@pytest.fixture
def hostile_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("HOME", raising=False)


@pytest.mark.usefixtures("hostile_environment")
@pytest.mark.parametrize("byte", [b"N", b"S"])
async def test_a_login_ignores_the_environment(byte: bytes) -> None:
    listener = Listener(byte)
    server = await asyncio.start_server(listener, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    url = PostgresUrl.parse(f"postgresql://me@127.0.0.1:{port}")

    async with server:
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await connect(**login_from_url(url, SETTING), timeout=5)

    sent = b"".join(listener.first_bytes)
    if byte == b"N":
        assert b"user\0me\0database\0me\0" in sent
    else:
        assert sent[8:9] == b"\x16"  # a TLS handshake


async def test_a_server_without_tls_is_used_unless_tls_is_required() -> None:
    listener = Listener(b"N")
    server = await asyncio.start_server(listener, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    login = login_from_url(PostgresUrl.parse(f"postgresql://me@127.0.0.1:{port}"), SETTING)

    async with server:
        assert not await has_tls("127.0.0.1", port)
        listener.first_bytes.clear()
        with pytest.raises(ConnectionError, match="rejected SSL upgrade"):
            await connect(**{**login, "tls": Tls(mode="require")}, timeout=5)

    assert b"user" not in b"".join(listener.first_bytes)


async def test_a_closed_connection_does_not_mean_that_tls_is_unsupported() -> None:
    server = await asyncio.start_server(Listener(b""), "127.0.0.1", 0)
    async with server:
        with pytest.raises(OSError, match="closed"):
            await has_tls("127.0.0.1", server.sockets[0].getsockname()[1])


def test_a_url_without_a_host_uses_a_local_socket() -> None:
    login = login_from_url(PostgresUrl.parse("postgresql:///app"), SETTING)
    assert all(host.startswith("/") for host in login["host"])
    assert login["database"] == "app"
    assert login["user"] not in {None, "", os.environ.get("PGUSER")}


@pytest.mark.parametrize("content", [None, "not a certificate"])
@pytest.mark.parametrize("parameter", ["sslrootcert", "sslcert", "sslcrl"])
def test_an_unusable_certificate_file_is_reported_with_the_setting(
    tmp_path: Path, parameter: str, content: str | None
) -> None:
    file = tmp_path / "file.pem"
    if content:
        file.write_text(content)
    url = PostgresUrl.parse(f"postgresql://db.example/app?sslmode=verify-full&{parameter}={file}")
    with pytest.raises(StartupError, match=SETTING):
        login_from_url(url, SETTING)


def test_the_server_gets_parameters_that_libpq_does_not_handle() -> None:
    query = "options=-c%20search_path%3Da&lock_timeout=1s&sslmode=disable&connect_timeout=3"
    login = login_from_url(PostgresUrl.parse(f"postgresql://u@h/d?{query}"), SETTING)
    assert login["settings"] == {"options": "-c search_path=a", "lock_timeout": "1s"}
