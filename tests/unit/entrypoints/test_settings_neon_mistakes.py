"""Mistakes in the settings of Neon: each with its mend, none with the key."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from entrypoints.settings import Settings
from tests.unit.entrypoints.conftest import Set
from tests.unit.entrypoints.test_settings_mistakes import told
from tests.unit.entrypoints.test_settings_neon import FOUR

SECRET = "hunter2"

MENDS = {
    "NEON_PROJECT_ID": "Set it to the project's id, such as shiny-wind-12345678.",
    "NEON_HOST": "Set it to the host of the branch's compute and nothing else",
    "NEON_API_KEY": "Set it to a key that Neon's console made",
    "NEON_BRANCH_ID": "Set it to the branch's id, such as br-quiet-sea-12345678.",
    "NEON_API_URL": "Set it to https://console.neon.tech/api/v2, or to an emulator's address.",
}

each = pytest.mark.parametrize("variable", FOUR)


def test_neon_by_name_alone_is_told_all_that_it_lacks(environment: Set) -> None:
    environment(PGVEND_PROVIDER="neon")

    lines = told()

    assert [line.split(":")[0] for line in lines] == list(FOUR)
    for line, variable in zip(lines, FOUR, strict=True):
        assert "missing, and the provider is neon" in line
        assert MENDS[variable] in line


@each
@pytest.mark.parametrize("named", [{}, {"PGVEND_PROVIDER": "neon"}])
def test_one_of_the_four_that_is_missing_is_told(
    environment: Set, variable: str, named: dict[str, str]
) -> None:
    environment(**FOUR | {variable: ""} | named)

    (line,) = told()

    assert line.startswith(f"{variable}: missing")
    assert MENDS[variable] in line


@each
def test_one_of_the_four_alone_asks_for_the_others_or_for_another_provider(
    environment: Set, variable: str
) -> None:
    """It is most likely a mistake: a database on this machine is not what somebody wanted."""
    environment(**{variable: FOUR[variable]})

    lines = told()

    assert {line.split(":")[0] for line in lines} == FOUR.keys() - {variable}
    assert all("PGVEND_PROVIDER=embedded" in line for line in lines)


def test_one_of_the_four_in_the_env_file_asks_for_the_others() -> None:
    Path(".env").write_text(f"NEON_HOST={FOUR['NEON_HOST']}\n")

    assert len(told()) == 3


@pytest.mark.parametrize("isolation", ["none", "role", "project"])
def test_all_four_are_needed_whatever_the_isolation(environment: Set, isolation: str) -> None:
    environment(PGVEND_PROVIDER="neon", PGVEND_NEON_ISOLATION=isolation)

    assert len(told()) == 4


@pytest.mark.parametrize("variable", ["NEON_PROJECT_ID", "NEON_BRANCH_ID"])
@pytest.mark.parametrize("text", ["Main", "a_b", "a/b", "a b", "x" * 61, "é", "a\n", "../a"])
def test_what_cannot_be_an_id_is_a_mistake(environment: Set, variable: str, text: str) -> None:
    assert_told(environment, variable, text, "not an id")


@pytest.mark.parametrize(
    "text",
    [
        "https://ep-x.neon.tech",
        "ep-x.neon.tech:5432",
        "ep-x.neon.tech/neondb",
        "ep-x.neon.tech.",
        "ep-x..neon.tech",
        "-x.neon.tech",
        "[::1]",
        "::1]",
        "127.0.0.1:5432",
        "user@ep-x.neon.tech",
        "ep x",
        "ep-x\n",
        "ep-\u212a",
        "x" * 64,
        ".".join(["x" * 60] * 5),
        f"postgresql://user:{SECRET}@ep-x.neon.tech/neondb",
    ],
)
def test_what_is_more_or_less_than_a_host_is_a_mistake(environment: Set, text: str) -> None:
    assert_told(environment, "NEON_HOST", text, "not a bare host name or address")


@pytest.mark.parametrize(
    "text",
    [f"{SECRET} ", f" {SECRET}", f"{SECRET}\n", f"a {SECRET}", f"{SECRET}\x7f", f"é{SECRET}"],
)
def test_what_cannot_be_a_key_is_told_without_showing_it(environment: Set, text: str) -> None:
    assert_told(environment, "NEON_API_KEY", text, "not a key")


@pytest.mark.parametrize(
    "text",
    [
        "console.neon.tech/api/v2",
        "ftp://console.neon.tech/api/v2",
        "https:///api/v2",
        "https://",
        f"https://user:{SECRET}@console.neon.tech/api/v2",
        f"https://console.neon.tech/api/v2?key={SECRET}",
        "https://console.neon.tech/api/v2#x",
        "https://console.neon.tech/api/v2#",
        "https://console.neon.tech:port/api/v2",
        "https://console.neon.tech:0/api/v2",
        "https://console.neon.tech:99999/api/v2",
        "https://[::1/api/v2",
        "https://console.neon.tech/a b",
        "https://console.neon.tech\\@evil.example",
    ],
)
def test_what_is_no_url_of_an_api_is_a_mistake(environment: Set, text: str) -> None:
    assert_told(environment, "NEON_API_URL", text, "not the URL of an API")


@pytest.mark.parametrize(
    "host", ["console.neon.tech", "192.168.1.1", "127.0.0.1.evil.example", "0.0.0.0", "[::2]:80"]
)
def test_the_key_does_not_leave_this_machine_in_clear(environment: Set, host: str) -> None:
    assert_told(environment, "NEON_API_URL", f"http://{host}/api/v2", "would travel in clear")


def test_all_mistakes_are_told_at_once(environment: Set) -> None:
    environment(
        NEON_PROJECT_ID="Main",
        NEON_HOST="https://x",
        NEON_API_KEY=f"{SECRET} ",
        NEON_API_URL="nowhere",
        PGVEND_NEON_ISOLATION="branch",
        PORT="http",
    )

    lines = told()

    assert {line.split(":")[0] for line in lines} == MENDS.keys() | {
        "PGVEND_NEON_ISOLATION",
        "PORT",
    }
    assert SECRET not in "".join(lines)


def test_the_validators_own_error_does_not_show_the_key_either(environment: Set) -> None:
    environment(**FOUR | {"NEON_API_KEY": f"{SECRET} "}, PORT="http")

    with pytest.raises(ValidationError) as caught:
        Settings()

    assert SECRET not in str(caught.value)


def assert_told(environment: Set, variable: str, text: str, what: str) -> None:
    """That this alone is told, with its mend and without what was set."""
    environment(**FOUR | {variable: text})

    (line,) = told()

    assert line.startswith(f"{variable}: ")
    assert what in line
    assert MENDS[variable] in line
    assert SECRET not in line
