"""Settings: their variables, values and defaults."""

import re
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import ValidationError

from domain.secrets import Secret
from domain.sizes import SizeLimit
from entrypoints.config.client import ClientSettings, load_client_settings
from entrypoints.config.monitoring import ListenAddress
from entrypoints.config.provider import ProviderName
from entrypoints.config.settings import LogLevel
from entrypoints.wiring.resources import create_embedded_options
from tests.support.settings import SETTINGS
from tests.unit.entrypoints.conftest import NEON_VARIABLES, Environment

DSN = "postgresql://admin:hunter2@db.example:5432/postgres"
SECRET = "0123456789abcdef" * 2
ONE, OTHER = "one earlier secret that is long enough", "another earlier secret that is long"
EXAMPLE = Path(__file__).parents[3] / ".env.example"

DEFAULTS = {
    "host": "127.0.0.1",
    "port": 8000,
    "provider": ProviderName.EMBEDDED,
    "data_dir": Path(".pgvend"),
    "secret": None,
    "previous_secrets": (),
    "registry_url": None,
    "verify_login": True,
    "default_ttl": None,
    "max_ttl": None,
    "grace_period": None,
    "metrics_listen": None,
    "reconcile_interval": 30,
    "size_limit": None,
    "cors_allow_origins": (),
    "cors_allow_headers": (),
    "anonymous_create": None,
    "trusted_proxies": (),
    "tls_cert": None,
    "tls_key": None,
    "is_open": True,
    "log_level": LogLevel.INFO,
}

APP, LOCAL = "https://app.example", "http://localhost:3000"

PARSED_VALUES: list[tuple[str, str, object]] = [
    ("PORT", "9000", 9000),
    ("PGVEND_SECRET_PREVIOUS", f"{ONE},{OTHER}", (Secret(ONE), Secret(OTHER))),
    ("PGVEND_SECRET_PREVIOUS", f" {ONE} , {OTHER} ,", (Secret(ONE), Secret(OTHER))),
    ("PGVEND_PROVIDER", "memory", ProviderName.MEMORY),
    ("PGVEND_VERIFY_LOGIN", "off", False),
    ("PGVEND_DEFAULT_TTL", "24h", timedelta(hours=24)),
    ("PGVEND_MAX_TTL", "7d", timedelta(days=7)),
    ("PGVEND_GRACE_PERIOD", "PT36H", timedelta(hours=36)),
    ("PGVEND_SIZE_LIMIT", "500MB", SizeLimit(500 << 20)),
    ("PGVEND_EXPORT_DIR", "/srv/exports", Path("/srv/exports")),
    ("PGVEND_EXPORT_PATIENCE", "14d", timedelta(days=14)),
    ("PGVEND_EXPORT_TIMEOUT", "10m", timedelta(minutes=10)),
    ("PGVEND_EXPORT_MAX_SIZE", "2GB", SizeLimit(2 << 30)),
    ("PGVEND_METRICS_LISTEN", "127.0.0.1:9187", ListenAddress("127.0.0.1", 9187)),
    ("PGVEND_METRICS_LISTEN", "[::1]:9187", ListenAddress("::1", 9187)),
    ("CORS_ALLOW_ORIGINS", APP, (APP,)),
    ("CORS_ALLOW_ORIGINS", f" {APP}/ ,, {LOCAL} ", (APP, LOCAL)),
    ("CORS_ALLOW_ORIGINS", "https://App.Example", (APP,)),
    ("CORS_ALLOW_ORIGINS", "http://[::1]:3000", ("http://[::1]:3000",)),
    ("CORS_ALLOW_ORIGINS", "*", ("*",)),
    ("CORS_ALLOW_ORIGINS", " , ", ()),
    ("PGVEND_CORS_ALLOW_HEADERS", " X-One,x_two ,,", ("X-One", "x_two")),
    ("PGVEND_TRUSTED_PROXIES", " , ", ()),
    (
        "PGVEND_TRUSTED_PROXIES",
        " 10.0.0.7, 10.1.0.0/16 ,,2001:db8::1,fd00::/8",
        tuple(map(ip_network, ("10.0.0.7/32", "10.1.0.0/16", "2001:db8::1/128", "fd00::/8"))),
    ),
]

LOOPBACK = ["127.0.0.1", "127.8.8.8", "::1", "localhost"]
ELSEWHERE = ["0.0.0.0", "::", "192.168.1.1", "db.example"]

TARGETS = {
    "memory": {"PGVEND_PROVIDER": "memory"},
    "embedded": {"PGVEND_NEON_ISOLATION": "project"},
    "postgres": {"PGVEND_PROVIDER": "postgres", "PGVEND_POSTGRES_ADMIN_DSN": DSN},
    "neon-none": NEON_VARIABLES | {"PGVEND_NEON_ISOLATION": "none"},
    "neon-role": NEON_VARIABLES | {"PGVEND_NEON_ISOLATION": "role"},
    "neon-project": NEON_VARIABLES | {"PGVEND_NEON_ISOLATION": "project"},
}


@pytest.mark.parametrize("variables", [{}, {"PGVEND_DATA_DIR": "", "HOST": "", "PORT": ""}])
def test_an_empty_variable_means_the_default(env: Environment, variables: dict[str, str]) -> None:
    """Compose files set empty variables. An empty data folder would be the current folder, and an
    empty host every address."""
    settings = env.load(**variables, PGVEND_SECRET="", PGVEND_MAX_TTL="")
    assert {name: getattr(settings, name) for name in DEFAULTS} == DEFAULTS


@pytest.mark.parametrize(("variable", "text", "value"), PARSED_VALUES)
def test_variables_have_values(env: Environment, variable: str, text: str, value: object) -> None:
    settings = env.load(**{variable: text})
    field = variable.removeprefix("PGVEND_").lower()
    assert getattr(settings, "previous_secrets" if field == "secret_previous" else field) == value


def test_the_environment_has_precedence_over_the_env_file(env: Environment) -> None:
    Path(".env").write_text("PORT=9001\nPGVEND_PROVIDER='memory'\n# PORT=1\nNEON_DATABASE=y\n")
    assert (env.load().port, env.load().provider) == (9001, "memory")
    assert env.load(PORT="9002").port == 9002


@pytest.mark.parametrize("host", LOOPBACK + ELSEWHERE)
def test_only_loopback_is_loopback(env: Environment, host: str) -> None:
    assert env.load(HOST=host).is_loopback == (host in LOOPBACK)


@pytest.mark.parametrize(
    "url", [DSN, DSN.replace("postgresql", "postgres"), "postgresql://a@[::1]/d", "postgresql:///d"]
)
def test_urls_of_servers_are_accepted(env: Environment, url: str) -> None:
    settings = env.load(
        PGVEND_PROVIDER="postgres",
        PGVEND_POSTGRES_ADMIN_DSN=url,
        PGVEND_PUBLIC_HOST="db.example",
        PGVEND_REGISTRY_URL=url,
        PGVEND_SECRET=SECRET,
    )

    for secret in (settings.postgres_admin_dsn, settings.registry_url):
        assert secret
        assert secret.get_secret_value() == url
    assert settings.registry_file is None
    assert settings.public_host == "db.example"


def test_an_unused_address_is_not_checked(env: Environment) -> None:
    env.load(PGVEND_PROVIDER="memory", PGVEND_POSTGRES_ADMIN_DSN="nonsense")


@pytest.mark.parametrize(("provider", "is_kept"), [("embedded", 1), ("postgres", 1), ("memory", 0)])
def test_the_file_of_the_records_is_in_the_data_folder(
    env: Environment, tmp_path: Path, provider: str, is_kept: int
) -> None:
    settings = env.load(**TARGETS[provider], PGVEND_DATA_DIR="data")
    expected = tmp_path.resolve() / "data" / "registry.sqlite3"
    assert settings.registry_file == (expected if is_kept else None)


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_is_named_after_provider_and_isolation(env: Environment, name: str) -> None:
    provider, _, isolation = name.partition("-")
    settings = env.load(**TARGETS[name])
    assert (settings.target.name, settings.target.provider) == (name, provider)
    assert settings.target.isolation == settings.isolation == (isolation or "role")
    assert settings.derives_passwords is (isolation in {"", "role"})


def test_settings_show_no_secret(env: Environment) -> None:
    secrets: dict[str, Any] = {
        "PGVEND_SECRET": "s3cret" * 8,
        "PGVEND_SECRET_PREVIOUS": ONE,
        "PGVEND_POSTGRES_ADMIN_DSN": DSN,
        "PGVEND_REGISTRY_URL": DSN,
        "PGVEND_KEY": "k3y",
        "PGVEND_API_KEYS": "web=Zk3vT0pQx9LmN2sW",
        "PGVEND_ADMIN_KEY": "9xQwErTyUiOpAsDf",
    }
    settings = env.load(**NEON_VARIABLES, **secrets)

    shown = (
        repr(settings) + str(settings) + repr(load_client_settings()) + repr(settings.static_keys)
    )

    hidden = ("s3cret", "hunter2", "k3y", ONE, "Zk3vT0pQx9LmN2sW", "9xQwErTyUiOpAsDf")
    assert not [secret for secret in hidden if secret in shown]


def test_settings_are_immutable(env: Environment) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        env.load().port = 1  # type: ignore[misc] # the assignment must fail


def test_tls_needs_two_files(env: Environment) -> None:
    settings = env.load(PGVEND_TLS_CERT="/c.pem", PGVEND_TLS_KEY="/k.pem")
    assert (settings.tls_cert, settings.tls_key) == (Path("/c.pem"), Path("/k.pem"))


def test_the_client_commands_have_their_own_settings(env: Environment) -> None:
    env.load(PGVEND_URL="https://vending.example", PGVEND_KEY="k3y")
    assert load_client_settings() == ClientSettings(
        urlsplit("https://vending.example"), Secret("k3y")
    )


def test_the_example_file_names_exactly_the_settings_and_is_valid(env: Environment) -> None:
    named = re.findall(r"^#([A-Z_]+)=", EXAMPLE.read_text(), re.MULTILINE)
    lines = EXAMPLE.read_text().splitlines()
    variables = dict(line.removeprefix("#").split("=", 1) for line in lines if "=" in line)

    assert set(named) == {setting.name for setting in SETTINGS}
    env.load(
        **variables
        | {"PGVEND_SECRET": SECRET, "PGVEND_ADMIN_KEY": SECRET, "NEON_API_KEY": "napi_x"}
    )


def test_without_a_setting_the_bundled_programs_are_used(env: Environment) -> None:
    assert create_embedded_options(env.load()).programs is None


def test_a_relative_folder_is_in_the_current_folder(env: Environment, tmp_path: Path) -> None:
    for name in ("initdb", "postgres"):
        (tmp_path / "bin" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "bin" / name).touch()
    assert (
        create_embedded_options(env.load(PGVEND_EMBEDDED_PROGRAMS="bin")).programs
        == tmp_path / "bin"
    )


def test_other_providers_ignore_the_programs(env: Environment) -> None:
    env.load(PGVEND_EMBEDDED_PROGRAMS="/no/such/bin", PGVEND_PROVIDER="memory")
