"""Variables of the environment and of `.env`: read, refused and ignored ones."""

from pathlib import Path

import pytest

from domain.errors import StartupError
from entrypoints.config.client import load_client_settings
from entrypoints.config.environment import FORMER_NAMES
from entrypoints.config.exposure import find_unreachable_host
from entrypoints.config.loading import find_ignored_variables
from entrypoints.config.settings import LogLevel, Settings
from tests.unit.entrypoints.conftest import NEON_VARIABLES, Environment

DOCUMENTED = {str(field.validation_alias) for field in Settings.model_fields.values()}
FOREIGN = sorted({name.upper() for name in Settings.model_fields} - DOCUMENTED)

MISSPELLED = {
    **FORMER_NAMES,
    "PGVEND_RECONCILE_INTERVL": "PGVEND_RECONCILE_INTERVAL",
    "PGVEND_RECONCILE_INTERVALS": "PGVEND_RECONCILE_INTERVAL",
    "PGVEND_RECONCILE_1NTERVAL": "PGVEND_RECONCILE_INTERVAL",
    "PGVEND_RECONICLE_INTERVAL": "PGVEND_RECONCILE_INTERVAL",
    "pgvend_secret": "PGVEND_SECRET",
    "pgvend_providre": "PGVEND_PROVIDER",
    "PGVEND_HOST": "HOST",
    "PGVEND_PORT": "PORT",
    "PGVEND_NEON_API_KEY": "NEON_API_KEY",
}

KUBERNETES_VARIABLES = {
    "PGVEND_SERVICE_HOST": "10.0.0.7",
    "PGVEND_SERVICE_PORT": "8000",
    "PGVEND_SERVICE_PORT_HTTP": "8000",
    "PGVEND_PORT_8000_TCP": "tcp://10.0.0.7:8000",
    "PGVEND_PORT_8000_TCP_PROTO": "tcp",
    "PGVEND_PORT_8000_TCP_PORT": "8000",
    "PGVEND_PORT_8000_TCP_ADDR": "10.0.0.7",
    "PGVEND_CANARY_SERVICE_HOST": "10.0.0.8",
    "PGVEND_CANARY_PORT": "tcp://10.0.0.8:8000",
}
LINK = "tcp://10.0.0.7:8000"

LAN = {"HOST": "0.0.0.0", "PGVEND_ADMIN_KEY": "k" * 16}
DSN = "postgresql://admin:secret@{}:5432/postgres"
POSTGRES = {"PGVEND_PROVIDER": "postgres"}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_variable_without_the_prefix_is_ignored(env: Environment, name: str) -> None:
    Path(".env").write_text(f"{name}=a value of a web application\n")
    assert env.load(**{name: "another value"}) == Settings()


@pytest.mark.parametrize("name", MISSPELLED)
def test_a_misspelled_or_former_name_is_refused_with_the_right_one(
    env: Environment, name: str
) -> None:
    assert (
        env.mistake(**{name: "1"})
        == f"{name}: not a setting. Use {MISSPELLED[name]}, or remove it."
    )


def test_a_name_in_the_env_file_is_checked_too(env: Environment) -> None:
    Path(".env").write_text("PGVEND_RECONCILE_INTERVL=0\n")
    assert "Use PGVEND_RECONCILE_INTERVAL" in env.mistake()


def test_an_unknown_name_is_ignored_with_a_warning(env: Environment) -> None:
    assert env.load(PGVEND_COLOUR="blue") == Settings()
    assert find_ignored_variables() == [
        "PGVEND_COLOUR is not a setting of pgvend: remove or correct it."
    ]


def test_variables_of_kubernetes_services_are_ignored_silently(env: Environment) -> None:
    assert env.load(**KUBERNETES_VARIABLES) == Settings()
    assert find_ignored_variables() == []


def test_variables_of_opentelemetry_are_ignored_in_the_env_file_with_a_warning(
    env: Environment,
) -> None:
    Path(".env").write_text("OTEL_SERVICE_NAME=shop\n")
    assert env.load(OTEL_TRACES_EXPORTER="none") == Settings()
    assert find_ignored_variables() == [
        "OTEL_SERVICE_NAME is ignored in .env: set it in the environment of pgvend."
    ]


@pytest.mark.parametrize("name", ["PGVEND_PORT", "PGVEND_PUBLIC_PORT", "PGVEND_EMBEDDED_PORT"])
def test_a_kubernetes_link_with_the_name_of_a_setting_is_a_warning(
    env: Environment, name: str
) -> None:
    assert env.load(**{name: LINK}) == Settings()
    assert find_ignored_variables() == [
        f"{name} is ignored: Kubernetes sets it for the Service of that name."
    ]


def test_the_env_file_overrides_a_kubernetes_link(env: Environment) -> None:
    Path(".env").write_text("PGVEND_PUBLIC_PORT=5433\n")
    assert env.load(PGVEND_PUBLIC_PORT=LINK).public_port == 5433


@pytest.mark.parametrize("text", ["debug", "DEBUG", "Debug"])
def test_a_choice_is_read_in_any_case(env: Environment, text: str) -> None:
    assert env.load(PGVEND_LOG_LEVEL=text).log_level is LogLevel.DEBUG


def test_a_folder_named_env_is_ignored(env: Environment) -> None:
    Path(".env").mkdir()
    assert env.load() == Settings()


def test_an_env_file_that_cannot_be_read_is_reported_in_one_line(env: Environment) -> None:
    for load in (env.load, load_client_settings):
        Path(".env").write_bytes("PGVEND_DATA_DIR=Größe\n".encode("latin-1"))
        with pytest.raises(StartupError, match=r"^\.env is not UTF-8: save it as UTF-8\.$"):
            load()

        Path(".env").unlink()
        Path(".env").symlink_to(".env")
        with pytest.raises(StartupError, match=r"^\.env cannot be read \(.*\): make it readable"):
            load()
        Path(".env").unlink()


def test_a_removed_current_folder_is_reported(env: Environment, tmp_path: Path) -> None:
    tmp_path.rmdir()
    with pytest.raises(StartupError, match="PGVEND_DATA_DIR to an absolute path"):
        env.load()
    assert env.load(PGVEND_DATA_DIR="/var/lib/pgvend").data_dir == Path("/var/lib/pgvend")


@pytest.mark.parametrize(
    ("variables", "host"),
    [
        (LAN, "127.0.0.1"),
        ({"PGVEND_TRUSTED_PROXIES": "10.0.0.7", "PGVEND_ADMIN_KEY": "k" * 16}, "127.0.0.1"),
        (LAN | POSTGRES | {"PGVEND_POSTGRES_ADMIN_DSN": DSN.format("localhost")}, "localhost"),
        (LAN | {"PGVEND_PUBLIC_HOST": "::1"}, "::1"),
        ({}, None),
        (LAN | {"PGVEND_PUBLIC_HOST": "db.example"}, None),
        (LAN | POSTGRES | {"PGVEND_POSTGRES_ADMIN_DSN": DSN.format("db.example")}, None),
        (LAN | NEON_VARIABLES, None),
        (LAN | {"PGVEND_PROVIDER": "memory"}, None),
    ],
)
def test_a_loopback_address_for_remote_callers_is_reported(
    env: Environment, variables: dict[str, str], host: str | None
) -> None:
    advice = find_unreachable_host(env.load(**variables))
    assert (advice is None) == (host is None)
    assert not host or f"connections name {host}: set PGVEND_PUBLIC_HOST" in str(advice)


@pytest.mark.parametrize(("listen", "hinted"), [("127.0.0.1", True), ("*", False)])
def test_an_address_for_the_bundled_server_is_advised_if_it_has_none(
    env: Environment, listen: str, hinted: bool
) -> None:
    advice = find_unreachable_host(env.load(**LAN, PGVEND_EMBEDDED_LISTEN=listen))
    assert ("PGVEND_EMBEDDED_LISTEN" in str(advice)) == hinted
