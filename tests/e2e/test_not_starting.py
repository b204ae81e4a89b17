"""A service that cannot start says why, and all of it, and leaves."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command_line import Ran, pgvend

HOLDS_NO_SECRET = "postgresql://admin:hunter2@:notaport/postgres"


@pytest.fixture
def taken() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield str(listener.getsockname()[1])


async def test_a_taken_port_is_told_with_its_mend(tmp_path: Path, taken: str) -> None:
    told = _refused(await _serve(tmp_path, PORT=taken))

    assert taken in told
    assert "set PORT" in told
    assert os.listdir(tmp_path) == [], "it made something before it looked"


async def test_every_wrong_setting_is_told_at_once(tmp_path: Path) -> None:
    wrong = {
        "PORT": "eighty",
        "PGVEND_PROVIDER": "oracle",
        "PGVEND_SECRET": "hunter2",
        "PGVEND_DEFAULT_TTL": "soon",
        "PGVEND_MAX_TTL": "later",
        "PGVEND_GRACE_PERIOD": "a while",
        "PGVEND_SWEEP_INTERVAL": "often",
        "PGVEND_REGISTRY_URL": "sqlite:///hunter2",
        "PGVEND_CONNECTION_LIMIT": "0",
        "PGVEND_VERIFY_LOGIN": "perhaps",
        "PGVEND_LOG_LEVEL": "loud",
        "PGVEND_EMBEDDED_PORT": "99999",
        "CORS_ALLOW_ORIGINS": "app.example",
        "PGVEND_PROVIDERS": "memory",
    }

    told = _refused(await _serve(tmp_path, **wrong))

    assert [name for name in wrong if f"  {name}: " not in told] == []
    assert "hunter2" not in told
    assert os.listdir(tmp_path) == []


async def test_behind_a_proxy_it_wants_keys(tmp_path: Path) -> None:
    """A proxy on this machine hands on whoever comes, by a name of this machine."""
    told = _refused(await _serve(tmp_path, PGVEND_TRUSTED_PROXIES="127.0.0.1"))

    assert "PGVEND_ADMIN_KEY" in told
    assert "--insecure" in told


@pytest.mark.parametrize("dsn", ["", "mysql://h/db", HOLDS_NO_SECRET, "admin:hunter2@host"])
async def test_a_wrong_dsn_is_told_and_not_quoted(tmp_path: Path, dsn: str) -> None:
    told = _refused(
        await _serve(tmp_path, PGVEND_PROVIDER="postgres", PGVEND_POSTGRES_ADMIN_DSN=dsn)
    )

    assert "PGVEND_POSTGRES_ADMIN_DSN" in told
    assert "hunter2" not in told


async def test_records_that_cannot_be_reached_are_told_and_their_url_is_not_quoted(
    tmp_path: Path,
) -> None:
    told = _refused(
        await _serve(
            tmp_path,
            PGVEND_PROVIDER="memory",
            PGVEND_REGISTRY_URL="postgresql://pgvend:hunter2@127.0.0.1:1/registry",
            PGVEND_SECRET="s" * 32,
        )
    )

    assert "PGVEND_REGISTRY_URL" in told
    assert "hunter2" not in told
    assert os.listdir(tmp_path) == []


async def test_records_that_are_damaged_are_told_and_kept(tmp_path: Path) -> None:
    damaged = b"no database" * 1000
    (tmp_path / "registry.sqlite3").write_bytes(damaged)

    told = _refused(
        await _serve(
            tmp_path,
            PGVEND_PROVIDER="postgres",
            PGVEND_POSTGRES_ADMIN_DSN="postgresql://admin@127.0.0.1:1/postgres",
            PGVEND_LOG_LEVEL="error",
        )
    )

    assert str(tmp_path / "registry.sqlite3") in told
    assert (tmp_path / "registry.sqlite3").read_bytes() == damaged


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "localhost.example"])
async def test_without_keys_it_listens_on_loopback_only(tmp_path: Path, host: str) -> None:
    told = _refused(await _serve(tmp_path, HOST=host, PGVEND_PROVIDER="memory"))

    assert "--insecure" in told
    assert "HOST=127.0.0.1" in told


async def test_a_host_that_is_none_is_told(tmp_path: Path) -> None:
    told = _refused(
        await _serve(tmp_path, "--insecure", HOST="no.such.invalid", PGVEND_PROVIDER="memory")
    )

    assert "no.such.invalid" in told


async def test_a_data_folder_that_cannot_be_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    told = _refused(await _serve(tmp_path / "file", PGVEND_PROVIDER="memory"))

    assert "PGVEND_DATA_DIR" in told


@pytest.mark.parametrize(
    "damage", [b"", b"short\n", b"\xff" * 80], ids=["empty", "short", "binary"]
)
async def test_a_damaged_secret_is_told_and_kept(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "secret").write_bytes(damage)

    told = _refused(await _serve(tmp_path, PGVEND_PROVIDER="memory"))

    assert str(tmp_path / "secret") in told
    assert (tmp_path / "secret").read_bytes() == damage


async def _serve(folder: Path, *arguments: str, **settings: str) -> Ran:
    named = {"PORT": "0", "PGVEND_DATA_DIR": str(folder), **settings}
    return await pgvend("serve", *arguments, **named)


def _refused(ran: Ran) -> str:
    assert ran.status == 1, ran
    assert ran.stdout == ""
    assert ran.stderr.startswith("pgvend: ")
    assert "Traceback" not in ran.stderr
    return ran.stderr
