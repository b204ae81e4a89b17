"""The Compose file agrees with the settings, with the files that it mounts, and with its script."""

import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from domain.postgres_url import PostgresUrl
from entrypoints.config.settings import Settings
from tests.support.compose import DEPLOY, make_secrets, read_compose, read_environment

SERVICES: Mapping[str, Any] = read_compose()["services"]


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    return make_secrets(tmp_path)


def load_settings(secrets: Path, **variables: str) -> Settings:
    """Return the settings of the service pgvend."""
    values = read_environment(secrets, **variables)
    assert values.keys() <= {field.validation_alias for field in Settings.model_fields.values()}
    return Settings.model_validate(values)


def test_pgvend_has_valid_settings_that_lead_to_the_other_services(secrets: Path) -> None:
    settings = load_settings(secrets)
    (admin,) = PostgresUrl.parse(settings.admin_dsn()).addresses
    (published,) = SERVICES["pooler"]["ports"]

    assert admin.host in SERVICES
    assert f"{settings.public_host}:{settings.public_port}:" in published
    assert settings.registry_url
    assert not settings.is_open


def test_a_public_host_is_the_pooler_inside_too(secrets: Path) -> None:
    named = {"PUBLIC_HOST": "db.example", "VERIFY_LOGIN": "on"}
    settings = load_settings(secrets, **named)
    pooler = read_compose(**named)["services"]["pooler"]
    assert settings.public_host in pooler["networks"]["default"]["aliases"]
    assert settings.verify_login


def test_every_secret_is_a_file_that_the_script_writes(secrets: Path) -> None:
    declared = read_compose()["secrets"]
    used = [
        secret["source"] if isinstance(secret, dict) else secret
        for service in SERVICES.values()
        for secret in service["secrets"]
    ]
    assert set(used) == declared.keys()
    assert {Path(each["file"]).name for each in declared.values()} == {
        file.name for file in secrets.iterdir()
    }


def test_the_script_keeps_secrets_that_exist_and_closes_their_folder(secrets: Path) -> None:
    before = {file.name: file.read_text() for file in secrets.iterdir()}
    make_secrets(secrets.parent)
    assert {file.name: file.read_text() for file in secrets.iterdir()} == before
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in secrets.iterdir()} == {0o644}


@pytest.mark.parametrize("name", SERVICES)
def test_files_that_a_service_mounts_are_in_the_repository(name: str) -> None:
    sources = [volume.split(":")[0] for volume in SERVICES[name]["volumes"]]
    files = [source for source in sources if source.startswith(".")]
    assert not [file for file in files if not (DEPLOY / file).is_file()]


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_on_this_machine_alone(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


@pytest.mark.parametrize("name", SERVICES)
def test_no_secret_is_in_the_environment(name: str) -> None:
    variables = SERVICES[name].get("environment", {})
    secret = re.compile(r"SECRET|PASSWORD|DSN|KEY|REGISTRY_URL")
    assert all(each.endswith("_FILE") for each in variables if secret.search(each))
