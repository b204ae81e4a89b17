"""The settings of the secrets: the one of now, and those of before."""

import pytest

from domain.secret import Secret
from entrypoints.settings_loading import load_settings
from tests.unit.entrypoints.conftest import Set
from tests.unit.entrypoints.test_settings_mistakes import told

ONE = "one secret of before that is long enough"
OTHER = "another secret of before that is long enough"


def test_without_any_there_was_no_other_secret(environment: Set) -> None:
    environment()

    assert load_settings().secrets_before == ()


@pytest.mark.parametrize("text", [f"{ONE},{OTHER}", f" {ONE} , {OTHER} ,"])
def test_several_are_told_apart_by_commas(environment: Set, text: str) -> None:
    environment(PGVEND_SECRET_PREVIOUS=text)

    assert load_settings().secrets_before == (Secret(ONE), Secret(OTHER))


@pytest.mark.parametrize("text", ["hunter2", f"{ONE},hunter2"])
def test_one_that_is_too_short_is_told_without_showing_any(environment: Set, text: str) -> None:
    environment(PGVEND_SECRET_PREVIOUS=text)

    (line,) = told()

    assert line.startswith("PGVEND_SECRET_PREVIOUS: one of them has fewer than 32 characters")
    assert "hunter2" not in line
    assert ONE not in line


def test_settings_do_not_show_the_secrets_of_before(environment: Set) -> None:
    environment(PGVEND_SECRET_PREVIOUS=ONE)

    assert ONE not in repr(load_settings())


@pytest.mark.parametrize(
    ("isolation", "derives"), [("none", False), ("project", False), ("role", True)]
)
def test_passwords_are_ours_unless_neon_chooses_them(
    environment: Set, isolation: str, derives: bool
) -> None:
    environment(
        NEON_PROJECT_ID="quiet-sun-12345678",
        NEON_HOST="ep-quiet-sun-12345678.eu-central-1.aws.neon.tech",
        NEON_API_KEY="napi_key",
        NEON_BRANCH_ID="br-quiet-sun-12345678",
        PGVEND_NEON_ISOLATION=isolation,
    )

    assert load_settings().derives_passwords is derives
