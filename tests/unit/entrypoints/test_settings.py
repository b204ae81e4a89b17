"""Settings: what may be set, and what it comes to."""

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from entrypoints.provider_settings import ProviderName
from entrypoints.settings import ClientSettings, LogLevel
from entrypoints.settings_loading import load_settings
from tests.unit.entrypoints.conftest import Set

DSN = "postgresql://admin:hunter2@db.example:5432/postgres"


def test_nothing_has_to_be_set() -> None:
    settings = load_settings()

    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.provider is ProviderName.EMBEDDED
    assert settings.data_dir == Path(".pgvend")
    assert (settings.secret, settings.registry_url) == (None, None)
    assert settings.verify_login
    assert (settings.default_ttl, settings.max_ttl) == (None, None)
    assert (settings.grace_period, settings.sweep_interval) == (None, 30)
    assert settings.cors_allow_origins == ()
    assert settings.log_level is LogLevel.INFO


def test_the_environment_is_read(environment: Set) -> None:
    environment(PORT="9000", PGVEND_PROVIDER="memory", PGVEND_VERIFY_LOGIN="off")

    settings = load_settings()

    assert (settings.port, settings.provider, settings.verify_login) == (9000, "memory", False)


def test_the_env_file_of_the_current_folder_is_read() -> None:
    Path(".env").write_text("PORT=9001\nPGVEND_PROVIDER='memory'\n# PORT=1\n")

    settings = load_settings()

    assert (settings.port, settings.provider) == (9001, "memory")


def test_the_environment_counts_more_than_the_env_file(environment: Set) -> None:
    Path(".env").write_text("PORT=9001\n")
    environment(PORT="9002")

    assert load_settings().port == 9002


def test_other_names_in_the_env_file_are_nobodys_business() -> None:
    Path(".env").write_text("POSTGRES_PASSWORD=x\nNEON_DATABASE=y\n")

    load_settings()


def test_what_is_set_to_nothing_is_not_set(environment: Set) -> None:
    """As compose files write it: an empty data folder would be the current one, and an empty host
    every address."""
    environment(PGVEND_DATA_DIR="", HOST="", PORT="", PGVEND_SECRET="", PGVEND_MAX_TTL="")

    settings = load_settings()

    assert settings.data_dir == Path(".pgvend")
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert (settings.secret, settings.max_ttl) == (None, None)


@pytest.mark.parametrize(
    ("text", "length"),
    [("24h", timedelta(hours=24)), ("7d", timedelta(days=7)), ("PT36H", timedelta(hours=36))],
)
def test_durations_are_written_as_callers_write_them(
    environment: Set, text: str, length: timedelta
) -> None:
    environment(PGVEND_DEFAULT_TTL=text, PGVEND_MAX_TTL=text, PGVEND_GRACE_PERIOD=text)

    settings = load_settings()

    assert (settings.default_ttl, settings.max_ttl) == (length, length)
    assert settings.grace_period == length


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("https://app.example", ("https://app.example",)),
        (" https://app.example/ ,, http://localhost:3000 ", None),
        ("https://App.Example", ("https://app.example",)),
        ("http://[::1]:3000", ("http://[::1]:3000",)),
        ("*", ("*",)),
        (" , ", ()),
    ],
)
def test_origins_are_written_as_browsers_send_them(
    environment: Set, text: str, origins: tuple[str, ...] | None
) -> None:
    environment(CORS_ALLOW_ORIGINS=text)

    expected = origins if origins is not None else ("https://app.example", "http://localhost:3000")
    assert load_settings().cors_allow_origins == expected


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.1", False),
        ("db.example", False),
    ],
)
def test_only_loopback_is_loopback(environment: Set, host: str, loopback: bool) -> None:
    environment(HOST=host)

    assert load_settings().is_loopback == loopback


@pytest.mark.parametrize(
    "dsn", [DSN, DSN.replace("postgresql", "postgres"), "postgresql://a@[::1]/d"]
)
def test_a_server_of_the_operators_is_named_by_its_address(environment: Set, dsn: str) -> None:
    environment(PGVEND_PROVIDER="postgres", PGVEND_POSTGRES_ADMIN_DSN=dsn)

    secret = load_settings().postgres_admin_dsn

    assert secret
    assert secret.get_secret_value() == dsn


def test_an_address_without_a_host_needs_the_one_that_tenants_use(environment: Set) -> None:
    environment(
        PGVEND_PROVIDER="postgres",
        PGVEND_POSTGRES_ADMIN_DSN="postgresql:///postgres",
        PGVEND_POSTGRES_PUBLIC_HOST="db.example",
    )

    assert load_settings().postgres_public_host == "db.example"


def test_an_address_that_is_not_used_is_not_looked_at(environment: Set) -> None:
    environment(PGVEND_PROVIDER="memory", PGVEND_POSTGRES_ADMIN_DSN="nonsense")

    load_settings()


def test_settings_print_no_secret(environment: Set) -> None:
    environment(PGVEND_SECRET="s3cret" * 8, PGVEND_POSTGRES_ADMIN_DSN=DSN, PGVEND_KEY="k3y")
    environment(PGVEND_REGISTRY_URL=DSN)

    shown = repr(load_settings()) + str(load_settings()) + repr(ClientSettings())

    assert not [secret for secret in ("s3cret", "hunter2", "k3y") if secret in shown]


def test_settings_do_not_change() -> None:
    settings = load_settings()

    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 1  # type: ignore[misc] # that is the question


def test_the_command_line_has_settings_of_its_own(environment: Set) -> None:
    environment(PGVEND_URL="https://vending.example", PGVEND_KEY="k3y")

    client = ClientSettings()

    assert client.url == "https://vending.example"
    assert client.key
    assert client.key.get_secret_value() == "k3y"
    load_settings()
