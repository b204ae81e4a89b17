"""The settings of the records: where they are, and what replicas that share them have to share."""

import re
from pathlib import Path

import pytest

from domain.errors import StartupError
from entrypoints.settings import ClientSettings, Settings
from entrypoints.settings_loading import load_settings
from tests.unit.entrypoints.conftest import Set

URL = "postgresql://pgvend:hunter2@db.example:5432/registry"
SECRET = "0123456789abcdef" * 2
EXAMPLE = Path(__file__).parents[3] / ".env.example"


@pytest.mark.parametrize("url", [URL, URL.replace("postgresql", "postgres"), "postgresql:///r"])
def test_replicas_share_the_records_on_a_server(environment: Set, url: str) -> None:
    environment(PGVEND_REGISTRY_URL=url, PGVEND_SECRET=SECRET)

    settings = load_settings()

    assert settings.registry_url
    assert settings.registry_url.get_secret_value() == url
    assert settings.registry_file is None


@pytest.mark.parametrize("provider", ["embedded", "memory"])
def test_replicas_need_one_secret(environment: Set, provider: str) -> None:
    """Each would make its own, and derive other passwords."""
    environment(PGVEND_REGISTRY_URL=URL, PGVEND_PROVIDER=provider)

    (line,) = _told()

    assert line.startswith("PGVEND_SECRET: missing, and replicas")
    assert "openssl rand -hex 32" in line


def test_a_secret_of_nothing_is_none(environment: Set) -> None:
    environment(PGVEND_REGISTRY_URL=URL, PGVEND_SECRET="")

    (line,) = _told()

    assert line.startswith("PGVEND_SECRET: missing")


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///hunter2",
        "mysql://pgvend:hunter2@db.example/registry",
        "postgresql+asyncpg://pgvend:hunter2@db.example/registry",
        "postgresql://pgvend:hunter2@db.example:port/registry",
        "postgresql://pgvend:hunter2@[::1/registry",
        "hunter2",
    ],
)
def test_what_leads_to_no_server_is_told_without_showing_it(environment: Set, url: str) -> None:
    environment(PGVEND_REGISTRY_URL=url)

    (line,) = _told()

    assert line.startswith("PGVEND_REGISTRY_URL: not a PostgreSQL URL. Set it to postgresql://")
    assert "hunter2" not in line


@pytest.mark.parametrize(
    ("provider", "is_kept"), [("embedded", True), ("postgres", True), ("memory", False)]
)
def test_without_a_server_they_are_in_the_data_folder_unless_all_is_in_memory(
    environment: Set, tmp_path: Path, provider: str, is_kept: bool
) -> None:
    environment(PGVEND_PROVIDER=provider, PGVEND_POSTGRES_ADMIN_DSN=URL, PGVEND_DATA_DIR="data")

    kept = tmp_path.resolve() / "data" / "registry.sqlite3"

    assert load_settings().registry_file == (kept if is_kept else None)


@pytest.mark.parametrize(
    ("chosen", "target"),
    [
        ({"PGVEND_PROVIDER": "memory"}, "memory"),
        ({}, "embedded"),
        ({"PGVEND_PROVIDER": "postgres", "PGVEND_POSTGRES_ADMIN_DSN": URL}, "postgres"),
        ({"PGVEND_NEON_ISOLATION": "project"}, "embedded"),
    ],
)
def test_a_place_has_its_providers_name(
    environment: Set, chosen: dict[str, str], target: str
) -> None:
    environment(**chosen)

    assert (load_settings().target.name, load_settings().target.provider) == (target, target)


@pytest.mark.parametrize("isolation", ["none", "role", "project"])
def test_each_way_of_using_neon_is_a_place_of_its_own(environment: Set, isolation: str) -> None:
    environment(
        NEON_PROJECT_ID="shiny-wind-12345678",
        NEON_HOST="ep-cool-sun-12345678.eu-central-1.aws.neon.tech",
        NEON_API_KEY="napi_x",
        NEON_BRANCH_ID="br-quiet-sea-12345678",
        PGVEND_NEON_ISOLATION=isolation,
    )

    target = load_settings().target

    assert (target.name, target.provider) == (f"neon-{isolation}", "neon")
    assert target.isolation == isolation


def test_the_example_names_every_setting_and_no_other() -> None:
    fields = (*Settings.model_fields.values(), *ClientSettings.model_fields.values())
    named = re.findall(r"^#([A-Z_]+)=", EXAMPLE.read_text(), re.MULTILINE)

    assert set(named) == {str(field.validation_alias) for field in fields}


def test_the_example_is_right_as_it_stands(environment: Set) -> None:
    lines = EXAMPLE.read_text().splitlines()
    given = dict(line.removeprefix("#").split("=", 1) for line in lines if "=" in line)
    environment(**given | {"PGVEND_SECRET": SECRET, "NEON_API_KEY": "napi_x"})

    load_settings()


def _told() -> list[str]:
    with pytest.raises(StartupError) as caught:
        load_settings()
    return [line.strip() for line in str(caught.value).splitlines()[1:]]
