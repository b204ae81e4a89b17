"""The settings of Neon: the original's four are enough."""

import pytest

from entrypoints.neon_settings import NeonIsolation
from entrypoints.provider_settings import ProviderName
from entrypoints.settings import Settings
from entrypoints.settings_loading import load_settings
from tests.unit.entrypoints.conftest import Set

FOUR = {
    "NEON_PROJECT_ID": "shiny-wind-12345678",
    "NEON_HOST": "ep-cool-sun-12345678.c-2.eu-central-1.aws.neon.tech",
    "NEON_API_KEY": "napi_hunter2",
    "NEON_BRANCH_ID": "br-quiet-sea-12345678",
}


def test_the_originals_four_variables_are_enough(environment: Set) -> None:
    environment(**FOUR)

    settings = load_settings()

    assert settings.provider is ProviderName.NEON
    assert settings.neon_project_id == FOUR["NEON_PROJECT_ID"]
    assert settings.neon_branch_id == FOUR["NEON_BRANCH_ID"]
    assert settings.neon_host == FOUR["NEON_HOST"]
    assert settings.neon_api_key is not None
    assert settings.neon_api_key.get_secret_value() == FOUR["NEON_API_KEY"]


def test_what_else_neon_needs_has_a_default(environment: Set) -> None:
    environment(**FOUR)

    settings = load_settings()

    assert settings.neon_api_url == "https://console.neon.tech/api/v2"
    assert settings.neon_isolation is NeonIsolation.ROLE


def test_neon_may_be_named_as_well(environment: Set) -> None:
    environment(**FOUR, PGVEND_PROVIDER="neon")

    assert load_settings().provider is ProviderName.NEON


@pytest.mark.parametrize("provider", ["embedded", "memory"])
def test_the_provider_that_is_named_counts_more_than_the_four(
    environment: Set, provider: str
) -> None:
    environment(**FOUR, PGVEND_PROVIDER=provider)

    assert load_settings().provider == provider


def test_the_four_choose_neon_in_code_too() -> None:
    by_field = {name.lower(): value for name, value in FOUR.items()}

    assert Settings.model_validate(by_field).provider is ProviderName.NEON


def test_a_provider_that_is_named_in_code_counts_more_too(environment: Set) -> None:
    environment(**FOUR)

    assert Settings(provider=ProviderName.MEMORY).provider is ProviderName.MEMORY


def test_four_that_are_set_to_nothing_choose_nothing(environment: Set) -> None:
    environment(**dict.fromkeys(FOUR, ""))

    assert load_settings().provider is ProviderName.EMBEDDED


@pytest.mark.parametrize(
    "variables",
    [
        {"NEON_API_KEY": "napi_x"},
        {**FOUR, "NEON_HOST": "https://not.a.host/", "NEON_API_URL": "http://neon.example"},
    ],
)
def test_what_is_not_used_of_neon_is_not_looked_at(
    environment: Set, variables: dict[str, str]
) -> None:
    """Neon's own tools have variables of the same names."""
    environment(**variables, PGVEND_PROVIDER="embedded")

    assert load_settings().provider is ProviderName.EMBEDDED


@pytest.mark.parametrize("url", ["https://console.neon.tech/api/v2", "http://[::1]:9/api/v2"])
@pytest.mark.parametrize("slashes", ["", "/", "//"])
def test_slashes_behind_the_apis_url_do_no_harm(environment: Set, url: str, slashes: str) -> None:
    environment(**FOUR, NEON_API_URL=url + slashes)

    assert load_settings().neon_api_url == url


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:9000", "[::1]:9000", "127.9.9.9"])
def test_an_emulator_on_this_machine_needs_no_tls(environment: Set, host: str) -> None:
    environment(**FOUR, NEON_API_URL=f"http://{host}/api/v2")

    assert load_settings().neon_api_url == f"http://{host}/api/v2"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", "localhost"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("my_emulator", "my_emulator"),
        ("EP-Cool-Sun.Neon.tech", "ep-cool-sun.neon.tech"),
    ],
)
def test_a_host_is_a_name_or_an_address(environment: Set, host: str, expected: str) -> None:
    environment(**FOUR | {"NEON_HOST": host})

    assert load_settings().neon_host == expected


@pytest.mark.parametrize("isolation", ["none", "role", "project"])
def test_the_isolation_is_chosen(environment: Set, isolation: str) -> None:
    environment(**FOUR, PGVEND_NEON_ISOLATION=isolation)

    assert load_settings().isolation == isolation


def test_another_provider_keeps_its_own_isolation(environment: Set) -> None:
    environment(PGVEND_PROVIDER="memory", PGVEND_NEON_ISOLATION="none")

    assert load_settings().isolation == "role"


def test_the_settings_do_not_print_the_key(environment: Set) -> None:
    environment(**FOUR)

    settings = load_settings()

    assert "hunter2" not in repr(settings) + str(settings)
