"""Settings of Neon: the four of the original service are required and sufficient."""

from pathlib import Path

import pytest

from entrypoints.config.neon import NeonIsolation
from entrypoints.config.provider import ProviderName
from entrypoints.config.settings import Settings
from tests.unit.entrypoints.conftest import FIXES, NEON_VARIABLES, Environment, names_in

EMBEDDED = {"PGVEND_PROVIDER": "embedded"}
UNUSED = {"NEON_HOST": "https://not.a.host/", "NEON_API_URL": "http://neon.example"}

CHOOSES: dict[str, tuple[dict[str, str], ProviderName]] = {
    "neon by name too": (NEON_VARIABLES | {"PGVEND_PROVIDER": "neon"}, ProviderName.NEON),
    "memory by name": (NEON_VARIABLES | {"PGVEND_PROVIDER": "memory"}, ProviderName.MEMORY),
    "embedded by name": (NEON_VARIABLES | EMBEDDED, ProviderName.EMBEDDED),
    "four of nothing": (dict.fromkeys(NEON_VARIABLES, ""), ProviderName.EMBEDDED),
    "a key that others use": ({"NEON_API_KEY": "napi_x"} | EMBEDDED, ProviderName.EMBEDDED),
    "mistakes that are not used": (NEON_VARIABLES | UNUSED | EMBEDDED, ProviderName.EMBEDDED),
}

URLS = [f"http://{host}/v2" for host in ("localhost", "127.0.0.1:90", "[::1]:90", "127.9.9.9")]
URLS.append("https://console.neon.tech/api/v2")


def test_the_four_original_variables_are_sufficient(env: Environment) -> None:
    settings = env.load(**NEON_VARIABLES)

    assert settings.provider is ProviderName.NEON
    assert settings.neon_project_id == NEON_VARIABLES["NEON_PROJECT_ID"]
    assert settings.neon_branch_id == NEON_VARIABLES["NEON_BRANCH_ID"]
    assert settings.neon_host == NEON_VARIABLES["NEON_HOST"]
    assert settings.neon_api_key
    assert settings.neon_api_key.get_secret_value() == NEON_VARIABLES["NEON_API_KEY"]
    assert settings.neon_api_url == "https://console.neon.tech/api/v2"
    assert settings.neon_isolation is NeonIsolation.ROLE


@pytest.mark.parametrize(("variables", "provider"), CHOOSES.values(), ids=list(CHOOSES))
def test_the_four_select_neon_unless_another_provider_is_set(
    env: Environment, variables: dict[str, str], provider: ProviderName
) -> None:
    """Neon's tools use variables with the same names."""
    assert env.load(**variables).provider is provider


def test_the_fields_select_neon_too(env: Environment) -> None:
    by_field = {name.lower(): value for name, value in NEON_VARIABLES.items()}
    assert Settings.model_validate(by_field).provider is ProviderName.NEON
    env.load(**NEON_VARIABLES)
    assert Settings(provider=ProviderName.MEMORY).provider is ProviderName.MEMORY


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("slashes", ["", "/", "//"])
def test_the_url_of_the_api_can_be_local_or_end_with_slashes(
    env: Environment, url: str, slashes: str
) -> None:
    assert env.load(**NEON_VARIABLES, NEON_API_URL=url + slashes).neon_api_url == url


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "::1", "my_emulator", "EP-Cool-Sun.Neon.tech"]
)
def test_a_host_is_a_name_or_an_address(env: Environment, host: str) -> None:
    assert env.load(**NEON_VARIABLES | {"NEON_HOST": host}).neon_host == host.lower()


@pytest.mark.parametrize("isolation", ["none", "role", "project"])
def test_the_provider_neon_requires_all_four(env: Environment, isolation: str) -> None:
    lines = env.mistakes(PGVEND_PROVIDER="neon", PGVEND_NEON_ISOLATION=isolation)
    assert names_in(lines) == list(NEON_VARIABLES)
    for line, variable in zip(lines, NEON_VARIABLES, strict=True):
        assert "missing, and the provider is neon" in line
        assert FIXES[variable] in line


@pytest.mark.parametrize("variable", NEON_VARIABLES)
@pytest.mark.parametrize("provider", [{}, {"PGVEND_PROVIDER": "neon"}])
def test_a_missing_variable_is_reported(
    env: Environment, variable: str, provider: dict[str, str]
) -> None:
    line = env.mistake(**NEON_VARIABLES | {variable: ""} | provider)
    assert line.startswith(f"{variable}: missing")
    assert FIXES[variable] in line


@pytest.mark.parametrize("variable", NEON_VARIABLES)
@pytest.mark.parametrize("in_a_file", [True, False])
def test_one_of_the_four_alone_is_an_error(
    env: Environment, variable: str, in_a_file: bool
) -> None:
    """The user most likely wants Neon, not a database on this machine."""
    Path(".env").write_text(f"{variable}={NEON_VARIABLES[variable]}\n" if in_a_file else "")
    lines = env.mistakes(**{} if in_a_file else {variable: NEON_VARIABLES[variable]})
    assert set(names_in(lines)) == NEON_VARIABLES.keys() - {variable}
    assert all("PGVEND_PROVIDER=embedded" in line for line in lines)
