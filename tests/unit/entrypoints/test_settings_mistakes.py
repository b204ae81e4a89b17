"""Mistakes in the settings: told all at once, each by its variable and with its mend."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from domain.errors import StartupError
from entrypoints.settings import Settings
from entrypoints.settings_loading import load_settings
from tests.unit.entrypoints.conftest import Set

SECRET = "hunter2"
POSTGRES = {"PGVEND_PROVIDER": "postgres"}


def told() -> list[str]:
    """What the operator is told, a line for each mistake."""
    with pytest.raises(StartupError) as caught:
        load_settings()
    heading, *lines = str(caught.value).splitlines()
    assert heading == "The settings are wrong:"
    return [line.strip() for line in lines]


@pytest.mark.parametrize(
    ("variable", "value", "mend"),
    [
        ("PORT", "http", "a port from 1 to 65535"),
        ("PORT", "65536", "a port from 1 to 65535"),
        ("PORT", "-1", "a port from 1 to 65535"),
        ("PGVEND_PROVIDER", "oracle", "one of embedded, postgres, neon, memory"),
        ("PGVEND_SECRET", "x" * 31, "32 or more random characters"),
        ("PGVEND_EMBEDDED_PORT", "0", "a free port from 1 to 65535"),
        ("PGVEND_POSTGRES_PUBLIC_PORT", "70000", "from 1 to 65535"),
        ("PGVEND_CONNECTION_LIMIT", "0", "from 1 to 10000"),
        ("PGVEND_NEON_ISOLATION", "branch", "one of none, role, project"),
        ("PGVEND_VERIFY_LOGIN", "maybe", "on or off"),
        ("PGVEND_DEFAULT_TTL", "forever", "a duration such as 24h"),
        ("PGVEND_DEFAULT_TTL", "1s", "a duration such as 24h"),
        ("PGVEND_MAX_TTL", "P1Y", "a duration such as 24h"),
        ("PGVEND_GRACE_PERIOD", "0", "a duration such as 24h"),
        ("PGVEND_GRACE_PERIOD", "-1d", "a duration such as 24h"),
        ("PGVEND_SWEEP_INTERVAL", "-1", "the number of seconds, up to 3600"),
        ("PGVEND_SWEEP_INTERVAL", "3601", "the number of seconds, up to 3600"),
        ("PGVEND_SWEEP_INTERVAL", "1.5", "the number of seconds, up to 3600"),
        ("PGVEND_SWEEP_INTERVAL", "30s", "0 for none"),
        ("PGVEND_REGISTRY_URL", "sqlite:///registry.db", "postgresql://user:password@host"),
        ("PGVEND_LOG_LEVEL", "loud", "one of debug, info, warning, error"),
        ("PGVEND_TRUSTED_PROXIES", "proxy.example", "addresses and networks such as 10.0.0.7"),
        ("PGVEND_TRUSTED_PROXIES", "10.0.0.7/8", "addresses and networks"),
        ("PGVEND_TRUSTED_PROXIES", "10.0.0.7 10.0.0.8", "comma separated"),
        ("PGVEND_TRUSTED_PROXIES", "*", "addresses and networks"),
        ("PGVEND_TLS_KEY", "/key.pem", "there is no PGVEND_TLS_CERT: set that too, or neither"),
        ("CORS_ALLOW_ORIGINS", "app.example", "origins such as https://app.example"),
        ("CORS_ALLOW_ORIGINS", "https://", "origins such as"),
        ("CORS_ALLOW_ORIGINS", "https://app.example/path", "origins such as"),
        ("CORS_ALLOW_ORIGINS", "https://app.example?query", "origins such as"),
        ("CORS_ALLOW_ORIGINS", "https://me@app.example", "origins such as"),
        ("CORS_ALLOW_ORIGINS", "https://app.example:port", "origins such as"),
        ("CORS_ALLOW_ORIGINS", "https://[::1", "origins such as"),
        ("CORS_ALLOW_ORIGINS", "ftp://app.example", "origins such as"),
        ("CORS_ALLOW_ORIGINS", "*,https://app.example", "or * alone"),
    ],
)
def test_a_mistake_names_its_variable_and_the_mend(
    environment: Set, variable: str, value: str, mend: str
) -> None:
    environment(**{variable: value})

    (line,) = told()

    assert line.startswith(f"{variable}: ")
    assert mend in line
    assert line.endswith(".")


def test_all_mistakes_are_told_at_once(environment: Set) -> None:
    environment(
        **POSTGRES,
        PORT="http",
        PGVEND_SECRET="short",
        PGVEND_DEFAULT_TTL="2h",
        PGVEND_MAX_TTL="1h",
        PGVEND_PROVIDRE="memory",
    )
    Path(".env").write_text("PGVEND_LOG_LEVEL=loud\nPGVEND_NONSENSE=1\n")

    assert sorted(line.split(":")[0] for line in told()) == [
        "PGVEND_LOG_LEVEL",
        "PGVEND_MAX_TTL",
        "PGVEND_NONSENSE",
        "PGVEND_POSTGRES_ADMIN_DSN",
        "PGVEND_PROVIDRE",
        "PGVEND_SECRET",
        "PORT",
    ]


@pytest.mark.parametrize("name", ["PGVEND_PROVIDRE", "pgvend_providre"])
def test_an_unknown_name_of_ours_is_a_mistake(environment: Set, name: str) -> None:
    environment(**{name: "memory"})

    assert told() == ["PGVEND_PROVIDRE: no setting of that name. Remove it, or correct it."]


def test_an_unknown_name_of_ours_in_the_env_file_is_a_mistake() -> None:
    Path(".env").write_text("PGVEND_PROVIDRE=memory\n")

    (line,) = told()

    assert line.startswith("PGVEND_PROVIDRE: no setting of that name")


def test_an_env_file_in_another_encoding_is_a_mistake() -> None:
    Path(".env").write_bytes("PGVEND_DATA_DIR=Größe\n".encode("latin-1"))

    assert told() == [".env: not UTF-8. Save it as UTF-8."]


def test_a_server_of_the_operators_has_to_be_named(environment: Set) -> None:
    environment(**POSTGRES)

    (line,) = told()

    assert line.startswith("PGVEND_POSTGRES_ADMIN_DSN: missing")
    assert "Set it to postgresql://admin:password@host:5432/postgres" in line


@pytest.mark.parametrize(
    "dsn",
    [
        f"host=db.example password={SECRET}",
        f"mysql://admin:{SECRET}@db.example/x",
        f"postgresql://admin:{SECRET}@db.example:port/x",
        f"postgresql://admin:{SECRET}/x@db.example/x",
        f"postgresql://admin:{SECRET}@[::1/x",
        f"postgresql://admin:{SECRET}@db.example:0/x",
    ],
)
def test_an_address_that_is_none_is_told_without_showing_it(environment: Set, dsn: str) -> None:
    environment(**POSTGRES, PGVEND_POSTGRES_ADMIN_DSN=dsn)

    (line,) = told()

    assert line.startswith("PGVEND_POSTGRES_ADMIN_DSN: not a PostgreSQL URL. Set it to")
    assert SECRET not in line


def test_an_address_without_a_host_asks_for_the_one_that_tenants_use(environment: Set) -> None:
    environment(**POSTGRES, PGVEND_POSTGRES_ADMIN_DSN=f"postgresql://admin:{SECRET}@/postgres")

    (line,) = told()

    assert line.startswith("PGVEND_POSTGRES_PUBLIC_HOST: missing")
    assert "the host that tenants reach the server by" in line
    assert SECRET not in line


def test_a_default_beyond_the_longest_time_is_a_mistake(environment: Set) -> None:
    environment(PGVEND_DEFAULT_TTL="8d", PGVEND_MAX_TTL="7d")

    (line,) = told()

    assert line.startswith("PGVEND_MAX_TTL: shorter than PGVEND_DEFAULT_TTL")


def test_no_secret_is_shown_whatever_else_is_wrong(environment: Set) -> None:
    environment(
        PGVEND_SECRET=SECRET,
        PGVEND_POSTGRES_ADMIN_DSN=f"postgresql://admin:{SECRET}@h:port/x",
        PGVEND_PROVIDER="postgres",
        PGVEND_KEY=SECRET,
        PORT="http",
    )

    assert SECRET not in "".join(told())


def test_the_validators_own_error_shows_no_secret_either(environment: Set) -> None:
    environment(PGVEND_SECRET=SECRET, PORT="http")

    with pytest.raises(ValidationError) as caught:
        Settings()

    assert SECRET not in str(caught.value)
