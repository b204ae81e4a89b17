"""A service that cannot start reports all reasons and exits: one start for each kind of reason.
Other tests cover which settings are refused."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command_line import run_pgvend

SECRET = "hunter2"

OVER_POSTGRES = {
    "PGVEND_PROVIDER": "postgres",
    "PGVEND_POSTGRES_ADMIN_DSN": "postgresql://admin@127.0.0.1:1/postgres",
}

WRONG_SETTINGS = {
    "PORT": "eighty",
    "PGVEND_PROVIDER": "oracle",
    "PGVEND_SECRET": SECRET,
    "PGVEND_GRACE_PERIOD": "a while",
    "PGVEND_REGISTRY_URL": f"sqlite:///{SECRET}",
    "PGVEND_POSTGRES_ADMIN_DSN": f"postgresql://admin:{SECRET}@:notaport/postgres",
    "CORS_ALLOW_ORIGINS": "app.example",
    "PGVEND_PROVIDERS": "memory",
}


@pytest.fixture
def used_port() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield str(listener.getsockname()[1])


async def test_a_used_port_is_reported_with_its_fix(tmp_path: Path, used_port: str) -> None:
    text = await _start_refused(tmp_path, PORT=used_port)
    assert used_port in text
    assert "set PORT" in text
    assert os.listdir(tmp_path) == [], "it created files before it checked the port"


async def test_a_used_port_of_the_metrics_is_reported_with_its_setting(
    tmp_path: Path, used_port: str
) -> None:
    text = await _start_refused(tmp_path, PGVEND_METRICS_LISTEN=f"127.0.0.1:{used_port}")
    assert used_port in text
    assert "set PGVEND_METRICS_LISTEN" in text
    assert os.listdir(tmp_path) == []


async def test_all_invalid_settings_are_reported_at_once(tmp_path: Path) -> None:
    text = await _start_refused(tmp_path, **WRONG_SETTINGS)
    reported = [name for name in WRONG_SETTINGS if name != "PGVEND_POSTGRES_ADMIN_DSN"]
    assert [name for name in reported if f"  {name}: " not in text] == []
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"PGVEND_TRUSTED_PROXIES": "127.0.0.1"}, "PGVEND_ADMIN_KEY"),
        ({"HOST": "::"}, "HOST=127.0.0.1"),
    ],
    ids=["behind a proxy", "beyond loopback"],
)
async def test_a_replica_that_strangers_can_reach_requires_keys(
    tmp_path: Path, settings: dict[str, str], text: str
) -> None:
    """Each replica would make a key of its own."""
    settings |= {"PGVEND_REGISTRY_URL": "postgresql://127.0.0.1:1/x", "PGVEND_SECRET": "s" * 32}
    refused = await _start_refused(tmp_path, PGVEND_PROVIDER="memory", **settings)
    assert text in refused
    assert "--insecure" in refused
    assert os.listdir(tmp_path) == []


async def test_an_invalid_host_is_reported(tmp_path: Path) -> None:
    settings = {"HOST": "no.such.invalid", "PGVEND_PROVIDER": "memory"}
    assert "no.such.invalid" in await _start_refused(tmp_path, "--insecure", **settings)


async def test_an_unreachable_registry_is_reported_without_its_url(
    tmp_path: Path,
) -> None:
    url = f"postgresql://pgvend:{SECRET}@127.0.0.1:1/registry"
    settings = {"PGVEND_PROVIDER": "memory", "PGVEND_REGISTRY_URL": url}
    assert "PGVEND_REGISTRY_URL" in await _start_refused(
        tmp_path, PGVEND_SECRET="s" * 32, **settings
    )
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("file", "settings"),
    [
        ("registry.sqlite3", OVER_POSTGRES | {"PGVEND_LOG_LEVEL": "error"}),
        ("secret", {"PGVEND_PROVIDER": "memory"}),
    ],
)
async def test_damaged_files_in_the_data_folder_are_reported_and_kept(
    tmp_path: Path, file: str, settings: dict[str, str]
) -> None:
    damaged = b"\xff" * 80
    (tmp_path / file).write_bytes(damaged)
    assert str(tmp_path / file) in await _start_refused(tmp_path, **settings)
    assert (tmp_path / file).read_bytes() == damaged


async def test_an_invalid_data_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert "PGVEND_DATA_DIR" in await _start_refused(tmp_path / "file", PGVEND_PROVIDER="memory")


async def test_tls_files_may_be_given_on_the_command_line(tmp_path: Path) -> None:
    files = ("--tls-cert", str(tmp_path), "--tls-key", "/no/such/file")
    text = await _start_refused(tmp_path / "data", *files, PGVEND_PROVIDER="memory")
    assert f"{tmp_path} and /no/such/file" in text
    assert "set PGVEND_TLS_CERT" in text


async def _start_refused(folder: Path, *arguments: str, **settings: str) -> str:
    """Run the service and return its output on stderr."""
    environment = {"PORT": "0", "PGVEND_DATA_DIR": str(folder), **settings}
    result = await run_pgvend("serve", *arguments, **environment)
    assert (result.status, result.stdout) == (1, ""), result
    assert result.stderr.startswith("pgvend: ")
    assert "Traceback" not in result.stderr
    assert SECRET not in result.stderr
    return result.stderr
