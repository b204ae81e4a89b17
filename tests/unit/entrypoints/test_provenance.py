"""`.env` cannot decide where a secret of the environment is sent."""

from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from domain.errors import StartupError
from entrypoints.config.client import load_client_settings
from entrypoints.config.client_variables import KEY as KEY_SETTING
from entrypoints.config.loading import load_settings
from entrypoints.config.provenance import ADDRESSES, SECRETS
from entrypoints.config.settings import Settings
from tests.support.settings import SETTINGS
from tests.unit.entrypoints.conftest import NEON_VARIABLES, Environment

KEY = "9xQwErTyUiOpAsDfGhJkLzXc"
DSN = "postgresql://admin:hunter2@db.example:5432/postgres"
SHARED = {"PGVEND_SECRET": KEY * 2, "PGVEND_REGISTRY_URL": DSN}

STOLEN: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    # the variables of `.env`, and of the environment
    "Neon's key by its API": ({"NEON_API_URL": "https://api.attacker.example"}, NEON_VARIABLES),
    "tenants' passwords by Neon's host": (
        {"NEON_HOST": "attacker.example"},
        {name: value for name, value in NEON_VARIABLES.items() if name != "NEON_HOST"},
    ),
    "the records": ({"PGVEND_REGISTRY_URL": DSN}, {"PGVEND_SECRET": KEY * 2}),
    "passwords by a server": (
        {"PGVEND_POSTGRES_ADMIN_DSN": DSN},
        SHARED | {"PGVEND_PROVIDER": "postgres"},
    ),
    "passwords by a host": (
        {"PGVEND_PUBLIC_HOST": "attacker.example"},
        {"PGVEND_POSTGRES_ADMIN_DSN": DSN, "PGVEND_PROVIDER": "postgres"},
    ),
    "callers' keys by a port": ({"PORT": "9001"}, {"PGVEND_ADMIN_KEY": KEY}),
    "callers' keys by an address": ({"HOST": "0.0.0.0"}, {"PGVEND_API_KEYS": f"web={KEY}"}),
    "all by programs": ({"PGVEND_EMBEDDED_PROGRAMS": "."}, {"PGVEND_SECRET": KEY * 2}),
}


def write(variables: dict[str, str]) -> None:
    Path(".env").write_text("".join(f"{name}={value}\n" for name, value in variables.items()))


@pytest.mark.parametrize("what", STOLEN)
def test_an_address_in_the_file_with_a_secret_of_the_environment_is_refused(
    env: Environment, what: str
) -> None:
    file, environment = STOLEN[what]
    (address,) = file
    write(file)
    lines = [line for line in env.mistakes(**environment) if "is from the environment" in line]
    (line,) = lines
    assert line.startswith(f"{address}: from .env, while ")
    assert not any(secret in line for secret in (KEY, "hunter2"))


def test_other_combinations_are_accepted(env: Environment) -> None:
    there = {"NEON_API_URL": "https://api.example"}
    write(NEON_VARIABLES | there)
    assert env.load(PGVEND_LOG_LEVEL="debug").neon_api_url == "https://api.example"
    write(NEON_VARIABLES)
    assert env.load(**there).neon_api_url == "https://api.example"
    write({"NEON_API_URL": "https://api.attacker.example", "PGVEND_MAX_TTL": "7d"})
    assert env.load(**NEON_VARIABLES | there).neon_api_url == "https://api.example"


def test_options_of_the_command_line_are_accepted(env: Environment) -> None:
    write({"PORT": "9001"})
    with pytest.raises(StartupError, match="PORT"):
        env.load(PGVEND_ADMIN_KEY=KEY)
    assert load_settings(port=9002).port == 9002


def test_a_client_sends_no_key_to_an_address_in_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    write({"PGVEND_URL": "https://attacker.example", "PORT": "9001"})
    assert load_client_settings().address == "https://attacker.example", (
        "without a key it is allowed"
    )
    monkeypatch.setenv("PGVEND_KEY", KEY)
    with pytest.raises(StartupError, match=r"^PGVEND_URL: from \.env, while PGVEND_KEY is from"):
        load_client_settings()
    monkeypatch.setenv("PGVEND_URL", "https://pgvend.example")
    assert load_client_settings().address == "https://pgvend.example"
    write({"PGVEND_ALLOW_HTTP": "on"})
    with pytest.raises(StartupError, match="PGVEND_ALLOW_HTTP"):
        load_client_settings()


def test_variables_in_an_address_in_the_file_are_not_expanded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", KEY)
    write({"PGVEND_URL": "https://attacker.example/${GITHUB_TOKEN}"})
    assert KEY not in load_client_settings().address


@pytest.mark.parametrize(
    "url",
    [
        *("http://pgvend.example", "http://10.0.0.7:8000", "http://0.0.0.0:8000"),
        "http://localhost.pgvend.example",
        *("HTTP://pgvend.example", "http://[2001:db8::1]"),
    ],
)
def test_plain_http_beyond_loopback_needs_permission(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("PGVEND_URL", url)
    with pytest.raises(StartupError, match=r"^PGVEND_URL: .*Set it to the service's address"):
        load_client_settings()
    monkeypatch.setenv("PGVEND_ALLOW_HTTP", "on")
    assert load_client_settings().url == urlsplit(url)


@pytest.mark.parametrize("user", ["me:hunter2", "localhost", ":hunter2"])
def test_a_user_or_password_in_the_address_is_refused_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, user: str
) -> None:
    monkeypatch.setenv("PGVEND_URL", f"https://{user}@pgvend.example")
    with pytest.raises(StartupError, match="set PGVEND_KEY to the API key") as refused:
        load_client_settings()
    assert "hunter2" not in str(refused.value)


MISTAKES = {
    "PGVEND_ALLOW_HTTP": "maybe",
    "PGVEND_KEY": "hunter2\r\nX-Forwarded-For: 127.0.0.1",
    "PGVEND_URL": "http://localhost:8000/\r\nhunter2",
}


@pytest.mark.parametrize("name", MISTAKES)
def test_an_invalid_client_setting_is_reported_with_its_fix_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, MISTAKES[name])
    with pytest.raises(StartupError, match=rf"^{name}: .*\. Set it to ") as refused:
        load_client_settings()
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("text", ["ON", "true", "1", "off", "No"])
def test_a_switch_is_read_in_any_case(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("PGVEND_ALLOW_HTTP", text)
    assert load_client_settings().key is None


@pytest.mark.parametrize("host", ["127.0.0.1:8001", "localhost", "[::1]:8000", "127.8.8.8"])
def test_plain_http_to_this_machine_is_allowed(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("PGVEND_URL", f"http://{host}")
    assert load_client_settings().address == f"http://{host}"


def test_every_secret_is_listed() -> None:
    secrets = {KEY_SETTING.name}
    for field in Settings.model_fields.values():
        types = {field.annotation, *get_args(field.annotation)}
        if types & {SecretStr, tuple[SecretStr, ...]}:
            secrets.add(str(field.validation_alias))
    assert secrets == SECRETS


def test_every_address_is_listed() -> None:
    suffixes = ("URL", "DSN", "HOST", "PORT", "LISTEN")
    named = {setting.name for setting in SETTINGS if setting.name.endswith(suffixes)}
    assert not named - ADDRESSES
