"""`PGVEND_SIZE_LIMIT`: what may be set, and where."""

import pytest

from domain.errors import StartupError
from domain.sizes import SizeLimit
from entrypoints.settings_loading import load_settings
from tests.unit.entrypoints.conftest import Set

NEON = {
    "NEON_PROJECT_ID": "shiny-wind-12345678",
    "NEON_HOST": "ep-cool-sun-12345678.eu-central-1.aws.neon.tech",
    "NEON_API_KEY": "napi_x",
    "NEON_BRANCH_ID": "br-quiet-sea-12345678",
}


def test_nothing_is_limited_unless_told() -> None:
    assert load_settings().size_limit is None


def test_a_limit_is_read(environment: Set) -> None:
    environment(PGVEND_SIZE_LIMIT="500MB")

    assert load_settings().size_limit == SizeLimit(500 << 20)


@pytest.mark.parametrize("text", ["500", "1.5GB", "1MB", "-1GB", "lots"])
def test_what_is_no_size_is_told_with_the_mend(environment: Set, text: str) -> None:
    environment(PGVEND_SIZE_LIMIT=text)

    with pytest.raises(StartupError, match=r"PGVEND_SIZE_LIMIT.*such as 500MB or 10GB"):
        load_settings()


def test_neon_keeps_limits_of_its_own(environment: Set) -> None:
    environment(PGVEND_SIZE_LIMIT="10GB", **NEON)

    with pytest.raises(StartupError, match=r"PGVEND_SIZE_LIMIT.*Neon"):
        load_settings()
